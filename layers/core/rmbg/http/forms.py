"""From a request to the uploaded image and its options."""

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from rmbg.http.requests import body_bytes, header
from rmbg.services.uploads import Upload, no_image_file

IMAGE_FIELD = "image"


def read_upload(event: APIGatewayProxyEvent) -> Upload:
    """Read the form of `POST /rmbg`; PublicError (row 5) if there is none, or none with an image file in it."""
    # The toolbelt imports all of requests: who is refused before a form is read does not wait for it.
    from rmbg.http.multipart import MalformedMultipart, parse_form

    try:
        form = parse_form(body_bytes(event), header(event, "content-type"))
    except MalformedMultipart as malformed:
        raise no_image_file() from malformed
    image = form.first(IMAGE_FIELD)
    if image is None or image.filename is None:
        raise no_image_file()
    return Upload(filename=image.filename, data=image.data, fields=form.fields)

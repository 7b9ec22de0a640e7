// One call of the client: arguments as JSON on standard input, what came of it as JSON on standard output.
import { readFileSync } from "node:fs";
import { rembg } from "@remove-background-ai/rembg.js";

const call = JSON.parse(readFileSync(0, "utf8"));
const uploads = [];
const downloads = [];
const inputs = {
  path: () => call.path,
  buffer: () => readFileSync(call.path),
  base64: () => ({ base64: readFileSync(call.path).toString("base64") }),
  dataUrl: () => ({ base64: `data:image/jpeg;base64,${readFileSync(call.path).toString("base64")}` }),
};
const progress = (events) => ({ loaded, total }) => events.push({ loaded, total });
let outcome;
try {
  const result = await rembg({
    apiKey: call.apiKey,
    inputImage: inputs[call.input](),
    options: call.options,
    onUploadProgress: progress(uploads),
    onDownloadProgress: progress(downloads),
  });
  if (result.base64Image !== undefined) {
    outcome = { base64Image: result.base64Image };
  } else {
    outcome = { path: result.outputImagePath, content: readFileSync(result.outputImagePath).toString("base64") };
    await result.cleanup();
  }
} catch (error) {
  outcome = { error: error.message };
}
// Sending a buffer, the client never lets go of its connection: the process would live until the server closes it.
process.stdout.write(JSON.stringify({ ...outcome, uploads, downloads }), () => process.exit(0));

// The client's base URL is fixed. This preload reaches into the very axios copy that the client resolves and sends its
// requests to BASE_URL instead; the client itself stays as published.
const client = require.resolve("@remove-background-ai/rembg.js");
const axios = require(require.resolve("axios", { paths: [client] }));

(axios.default ?? axios).interceptors.request.use((config) => {
  config.url = config.url.replace("https://api.rembg.com", process.env.BASE_URL);
  return config;
});

// Sends requests to the endpoints with `fetch`, beacons and images; calls `done` with the answers that it could read.
const [endpoints, body, forged, done] = arguments;
const read = [];

const attempt = async (url, options) => {
  try {
    const answer = await fetch(url, options);
    const text = await answer.text();
    if (text) read.push([url, answer.status, text]);
  } catch (error) {
    // The browser or the gate refused the request.
  }
};

const picture = (url) =>
  new Promise((loaded) => {
    const image = new Image();
    image.onload = image.onerror = loaded;
    image.src = url;
  });

const post = (url, headers) => ({ method: "POST", body, headers });

(async () => {
  for (const endpoint of endpoints) {
    const create = `${endpoint}/2015-03-31/functions`;
    for (const url of [create, `${create}?${forged}`]) {
      await attempt(url, { ...post(url), mode: "no-cors" });
      await attempt(url, post(url));
      await attempt(url, post(url, { Authorization: "AWS4-HMAC-SHA256 x", "Content-Type": "application/json" }));
      navigator.sendBeacon(url, body);
    }
    await attempt(`${endpoint}/_ministack/health`, {});
    await attempt(`${endpoint}/_ministack/reset`, { method: "POST", mode: "no-cors" });
    await attempt(`${endpoint}/?Action=ListQueues`, {});
    await attempt(`${endpoint}/api/live`, {});
    await attempt(`${endpoint}/api/faults`, { ...post(""), mode: "no-cors" });
    await attempt(`${endpoint}/api/discard`, post("", { "X-Page-Key": "guessed" }));
    await picture(`${endpoint}/?Action=CreateQueue&QueueName=planted`);
  }
  done(read);
})();

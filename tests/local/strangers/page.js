// Sends every request that a page can send to the doors; calls `done` with the answers that it could read.
const [doors, body, forged, done] = arguments;
const read = [];

const attempt = async (url, options) => {
  try {
    const answer = await fetch(url, options);
    const text = await answer.text();
    if (text) read.push([url, answer.status, text]);
  } catch (error) {
    // The browser or the gate refused.
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
  for (const door of doors) {
    const create = `${door}/2015-03-31/functions`;
    for (const url of [create, `${create}?${forged}`]) {
      await attempt(url, { ...post(url), mode: "no-cors" });
      await attempt(url, post(url));
      await attempt(url, post(url, { Authorization: "AWS4-HMAC-SHA256 x", "Content-Type": "application/json" }));
      navigator.sendBeacon(url, body);
    }
    await attempt(`${door}/_ministack/health`, {});
    await attempt(`${door}/_ministack/reset`, { method: "POST", mode: "no-cors" });
    await attempt(`${door}/?Action=ListQueues`, {});
    await attempt(`${door}/api/live`, {});
    await attempt(`${door}/api/faults`, { ...post(""), mode: "no-cors" });
    await attempt(`${door}/api/discard`, post("", { "X-Page-Key": "guessed" }));
    await picture(`${door}/?Action=CreateQueue&QueueName=planted`);
  }
  done(read);
})();

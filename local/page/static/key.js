// The key comes with the page's address and is kept for this tab only.
export const KEY_HEADER = "X-Page-Key";

const given = new URLSearchParams(location.hash.slice(1)).get("key");
if (given) {
  sessionStorage.setItem("key", given);
  history.replaceState(null, "", location.pathname);
}
export const key = sessionStorage.getItem("key") ?? "";

/** Calls this server and returns its JSON. Throws the server's error message. */
export const call = async (path, body) => {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(path, { ...options, headers: { [KEY_HEADER]: key } });
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.error);
  return document;
};

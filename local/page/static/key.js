// The key of this page comes with its address and stays in this tab.
export const KEY_HEADER = "X-Page-Key";

const given = new URLSearchParams(location.hash.slice(1)).get("key");
if (given) {
  sessionStorage.setItem("key", given);
  history.replaceState(null, "", location.pathname);
}
export const key = sessionStorage.getItem("key") ?? "";

/** JSON from this server; an error's text is for people. */
export const call = async (path, body) => {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(path, { ...options, headers: { [KEY_HEADER]: key } });
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.error);
  return document;
};

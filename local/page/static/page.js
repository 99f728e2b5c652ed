// The page: shows the server's live data and sends the user's requests. Data is inserted as text, never as HTML.
import { KEY_HEADER, call, key } from "./key.js";

const $ = (id) => document.getElementById(id);

/** Makes an element with properties and children; strings become text. */
const h = (tag, properties = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((each) => each !== null && each !== undefined && each !== ""));
  return element;
};
const pill = (state) => h("span", { class: `pill ${state.toLowerCase()}` }, state);
const short = (id) => `${id.slice(0, 8)}…`;
const clock = (moment) => (moment ? new Date(moment).toLocaleTimeString([], { hour12: false }) : "–");
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const quoted = (text) => (/^[\w./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
let noticeTimer = 0;
const notify = (text) => {
  $("notice").textContent = text;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { $("notice").textContent = ""; }, 6000);
};
const showError = (problem) => {
  $("trouble").textContent = problem ?? "";
  $("trouble").hidden = !problem;
};
/** Makes an event handler. It runs `work` and disables the button meanwhile. If `work` fails, it shows the error. */
const action = (work) => async (event) => {
  event.preventDefault();
  const button = event.submitter ?? event.currentTarget;
  button.disabled = true;
  try {
    showError();
    await work(event);
  } catch (error) {
    showError(error.message);
  } finally {
    button.disabled = false;
    // A disabled button loses the focus.
    if (document.activeElement === document.body) button.focus();
  }
};

let stack = { api_url: "", options: "", faults: [] };
const orders = new Map();

// ---- placing orders

const used = new Set();
const fresh = () => crypto.randomUUID();
const draft = () => JSON.stringify({
  currency: $("currency").value,
  lines: [{ sku: $("sku").value, quantity: Number($("quantity").value), unit_price: $("price").value }],
}, null, 2);
const redraft = () => { $("body").value = draft(); showCurl(); };
const showCurl = () => {
  let body = $("body").value;
  try { body = JSON.stringify(JSON.parse(body)); } catch { /* invalid JSON stays in the command: the API's answer explains the mistake */ }
  $("curl").textContent = `curl -i -X POST ${stack.api_url}/orders \\\n  -H 'Content-Type: application/json' \\\n`
    + `  -H ${quoted(`Idempotency-Key: ${$("key").value}`)} \\\n  -d ${quoted(body)}`;
};
const newKey = () => { $("key").value = fresh(); showCurl(); };

const send = async (keys) => {
  keys.forEach((each) => used.add(each));
  $("answer").replaceChildren(h("p", { class: "empty" }, keys.length > 1 ? `Sending ${keys.length} requests at once; new processes start for them…` : "Sending…"));
  const answers = await call("/api/send", { body: $("body").value, keys });
  $("answer").replaceChildren(...(answers.length === 1 ? oneAnswer(answers[0]) : manyAnswers(answers)));
  const ids = answers.map((each) => parsed(each.body)?.order_id).filter(Boolean);
  if (ids.length) follow(ids[0]);
};
const parsed = (text) => { try { return JSON.parse(text); } catch { return null; } };
const SHOWN_HEADERS = ["content-type", "location", "idempotent-replayed", "retry-after", "x-correlation-id"];
const oneAnswer = (answer) => [
  h("p", {}, h("b", { class: `status s${String(answer.status)[0]}` }, String(answer.status)),
    ` in ${Math.round(answer.seconds * 1000)} ms`,
    answer.headers["idempotent-replayed"] ? [" ", h("span", { class: "pill" }, "replayed: the first answer, sent again")] : null),
  h("pre", { tabindex: "0", "aria-label": "Answer" }, [
    ...SHOWN_HEADERS.filter((name) => answer.headers[name]).map((name) => `${name}: ${answer.headers[name]}`),
    "", parsed(answer.body) ? JSON.stringify(parsed(answer.body), null, 2) : answer.body].join("\n")),
];
const manyAnswers = (answers) => {
  const groups = Map.groupBy(answers, (each) => `${each.status}${each.headers["idempotent-replayed"] ? " replayed" : ""}`);
  const ids = new Set(answers.map((each) => parsed(each.body)?.order_id).filter(Boolean));
  return [h("ul", { class: "counts" }, [...groups].sort().map(([name, found]) => h("li", {},
    h("b", { class: `status s${name[0]}` }, `${found.length} × ${name}`), MEANS[name.slice(0, 3)] ?? ""))),
  h("p", {}, `${plural(answers.length, "request")} at once, ${plural(ids.size, "order")}; the slowest request took `
    + `${Math.max(...answers.map((each) => each.seconds)).toFixed(1)} s.`)];
};
const MEANS = { 409: " the first request is still running: repeat this request", 429: " too many requests: repeat this request", 503: " outcome unknown: repeat this request" };

const place = () => {
  if (used.has($("key").value)) newKey();
  return send([$("key").value]);
};
const otherBody = () => {
  $("quantity").value = Number($("quantity").value) + 1;
  redraft();
  return send([$("key").value]);
};

const showStock = (rows) => {
  const wanted = $("sku").value;
  const row = rows.find((each) => each.sku === wanted);
  const others = rows.filter((each) => each.sku !== wanted).slice(0, 6).map((each) => `${each.sku}: ${each.available}`);
  $("shelf").replaceChildren(
    row ? h("span", {}, "In stock: ", h("b", {}, row.available)) : h("span", { class: "warn" }, `No ${wanted} in stock: the order would be rejected.`),
    others.length ? h("small", {}, ` Others: ${others.join(", ")}`) : "");
};
const addStock = async () => {
  const done = await call("/api/stock", { sku: $("sku").value, count: 100 });
  notify(`${done.sku}: ${done.after} in stock.`);
};

// ---- the list of orders

const showOrders = ({ count, newest }) => {
  $("order-count").textContent = count > newest.length ? `newest ${newest.length} of ${count}` : count || "";
  const rows = $("order-rows");
  if (!newest.length) rows.replaceChildren(h("tr", {}, h("td", { colspan: 5, class: "empty" }, "No orders yet. Place an order.")));
  else if (!orders.size) rows.replaceChildren();
  newest.forEach((order, index) => {
    const known = orders.get(order.order_id);
    const row = known?.row ?? h("tr", {});
    if (JSON.stringify(known?.order) !== JSON.stringify(order)) {
      fill(row, order);
      if (known && known.order.status !== order.status) notify(`Order ${short(order.order_id)} is ${order.status}.`);
      orders.set(order.order_id, { order, row });
      if (order.order_id === followed) follow(followed);
    }
    if (rows.children[index] !== row) rows.insertBefore(row, rows.children[index] ?? null);
  });
  while (newest.length && rows.children.length > newest.length) {
    orders.delete(rows.lastElementChild.dataset.order);
    rows.lastElementChild.remove();
  }
};
const fill = (row, order) => {
  const old = row.querySelector("button");
  const open = old ?? h("button", { type: "button", class: "link", onclick: () => follow(order.order_id, true) }, short(order.order_id));
  open.title = order.order_id;
  row.replaceChildren(
    h("td", {}, open), h("td", {}, pill(order.status), order.why ? h("small", {}, ` ${order.why}`) : null),
    h("td", {}, order.lines ?? ""), h("td", { class: "number" }, `${order.total ?? ""} ${order.currency ?? ""}`),
    h("td", { class: "number" }, clock(order.accepted_at)));
  row.dataset.order = order.order_id;
};

// ---- one order's history

let followed = null;
let again = 0;
let delay = 0;
const LANES = ["API", "Queue", "Worker", "Event"];
const HIDDEN_FIELDS = new Set(["at", "where", "what", "order_id", "trace", "places", "message_id", "last_attempt", "error_type", "error"]);
const laneOf = ({ what, where, by }) => {
  if (what === "event published") return 3;
  if (by || what.startsWith("order sent to the queue")) return 1;
  return where === "worker" || where === "process-order" ? 2 : 0;
};
/**
 * Returns the lane where the line to a step begins: the lane to the left of the step's lane, or the queue's lane if
 * the message goes back to the queue. For a step without a line, returns the lane of the step.
 */
const previousLane = ({ what, retry_in_seconds: retry }, lane) => {
  if (what === "attempt started" || retry > 0) return 1;
  return what.startsWith("order sent to the queue") || what === "event published" ? lane - 1 : lane;
};
const toneOf = ({ what, error_type: error, by }) => {
  if (by) return "";
  if (error || what.startsWith("died")) return "bad";
  return /CONFIRMED|event published/.test(what) ? "good" : /REJECTED|DISCARDED/.test(what) ? "warn" : "";
};

const follow = async (id, jump = false) => {
  delay = 500;
  await look(id, jump);
};
const look = async (id, jump = false) => {
  if (id !== followed) $("life-body").replaceChildren(h("p", { class: "empty" }, "Reading tables and logs…"));
  followed = id;
  clearTimeout(again);
  document.querySelectorAll("tr[data-order]").forEach((row) => row.toggleAttribute("aria-current", row.dataset.order === id));
  if (jump) $("life").scrollIntoView({ block: "nearest" });
  try {
    const life = await call(`/api/orders/${encodeURIComponent(id)}/trace`);
    if (id !== followed) return;
    showLife(id, life);
    // The logs arrive a moment after the tables' data.
    if (!/^(published|none)/.test(life.event) && life.order?.status !== "FAILED") {
      delay = Math.min(2 * delay, 16_000);
      again = setTimeout(() => look(id), delay);
    }
  } catch (error) {
    if (id === followed) $("life-body").replaceChildren(h("p", { class: "trouble" }, error.message));
  }
};

const showLife = (id, { order, event, judgement, steps, unread }) => {
  const facts = [["Order", id], ["Content", order?.lines ? `${order.lines.join(", ")}, ${order.total} ${order.currency}` : order ? "unreadable" : "not stored"], ["Event", event]];
  const open = [...$("life-body").querySelectorAll("details[open]")].map((each) => each.dataset.step);
  $("life-body").replaceChildren(
    h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]).flat()),
    h("p", { class: "judgement" }, order?.status ? pill(order.status) : null, ` ${judgement}`),
    ...unread.map(({ what, why }) => h("p", { class: "trouble" }, `not read: ${what}: ${why}`)),
    h("div", { class: "lanes", "aria-hidden": "true" }, LANES.map((name) => h("span", {}, name))),
    h("ol", { class: "steps" }, steps.map((step, index) => stepOf(step, steps[index - 1], steps[0])).flat()),
    h("p", { class: "hint" }, "In a terminal: ", h("code", {}, `python -m ops order trace ${id} ${stack.options}`)));
  $("life-body").querySelectorAll("details").forEach((each) => { each.open = open.includes(each.dataset.step); });
};
const stepOf = (step, before, first) => {
  const since = (one, other) => (new Date(one.at) - new Date(other.at)) / 1000;
  const pause = before ? since(step, before) : 0;
  const lane = laneOf(step);
  const from = previousLane(step, lane);
  const more = Object.entries(step).filter(([name]) => !HIDDEN_FIELDS.has(name)).map(([name, value]) => `${name.replaceAll("_", " ")}:\u00a0${value}`);
  const item = h("li", { class: `step ${toneOf(step)}` },
    h("span", { class: "track", "aria-hidden": "true" }, h("i", { class: "turn" }), h("i", { class: "dot" })),
    h("time", { datetime: step.at, title: step.at }, `+${since(step, first).toFixed(2)} s`),
    h("div", {},
      h("b", {}, step.what), h("small", { class: "where" }, ` ${LANES[lane]}`), " ",
      step.error_type && !step.by ? h("p", { class: "error" }, `${step.error_type}: ${step.error ?? ""}`) : null,
      more.length ? h("small", {}, more.join(" · "), " ") : null,
      step.trace ? h("details", { "data-step": step.at }, h("summary", {}, "Where in the code"), h("pre", { tabindex: "0" }, [step.trace].flat().join("\n"))) : null));
  // The position is set by script, because the page's content security policy allows no style attributes.
  item.style.setProperty("--lane", lane);
  item.style.setProperty("--left", Math.min(lane, from));
  item.style.setProperty("--span", Math.abs(lane - from));
  return pause >= 0.5 ? [h("li", { class: "pause" }, `${pause.toFixed(1)} s later`), item] : [item];
};

// ---- dead letters

const showDead = (letters) => {
  $("redrive-all").hidden = letters.length < 2;
  $("dead-rows").replaceChildren(...(letters.length ? letters.map(letterOf) : [h("li", { class: "empty" }, "No dead letters. To get one, turn on a fault and place an order.")]));
};
const letterOf = (letter) => {
  const id = letter.order_id ?? letter.message_id;
  const decideOn = (verb) => ({ type: "button", class: "small", onclick: () => decide(verb, verb === "redrive" ? letter.message_id : id, id) });
  return h("li", { "data-letter": id },
    h("div", {},
      letter.order_id ? h("button", { type: "button", class: "link", onclick: () => follow(id, true) }, short(id)) : h("code", {}, `message ${short(id)}`),
      h("span", { class: "error" }, ` ${letter.error_type}`), letter.error ? `: ${letter.error}` : "",
      h("small", {}, [letter.summary, letter.meaning, letter.attempts === null ? null : plural(letter.attempts, "attempt"),
        `since ${clock(Date.now() - letter.age_seconds * 1000)}`].filter(Boolean).join(" · "))),
    h("div", { class: "buttons" }, letter.redrivable ? h("button", decideOn("redrive"), "Redrive") : null, h("button", decideOn("discard"), "Discard")));
};

let decision = null;
const decide = async (verb, id, name) => {
  decision = { verb, id };
  const what = id ? name.slice(0, 8) : "all dead letters";
  $("decision-title").textContent = verb === "redrive" ? `Redrive ${what}` : `Discard ${what} for good`;
  $("decide").textContent = verb === "redrive" ? "Redrive" : "Discard for good";
  $("by").value = sessionStorage.getItem("by") ?? "";
  $("why").value = "";
  $("plan").textContent = "Checking what would happen…";
  $("decide").disabled = true;
  showCommand();
  $("decision").showModal();
  try {
    const mine = decision;
    const plan = await call(`/api/${verb}`, { id, by: "page", reason: "to see what would happen", yes: false });
    if (mine !== decision) return;
    $("plan").textContent = verb === "redrive" ? `${plan.redriven} of ${plural(plan.seen, "message")} would go back to the orders queue.` : `Plan: ${plan.plan}.`;
    $("decide").disabled = verb === "redrive" && !plan.redriven;
  } catch (error) {
    $("plan").textContent = error.message;
  }
};
const showCommand = () => {
  const { verb, id } = decision;
  const which = verb === "redrive" ? (id ? `--where message_id=${id} ` : "") : `${id} `;
  $("decision-command").textContent = `python -m ops dlq ${verb} ${which}--by ${quoted($("by").value || "…")} --reason ${quoted($("why").value || "…")} ${stack.options} --yes`;
};
const carryOut = async () => {
  const { verb, id } = decision;
  sessionStorage.setItem("by", $("by").value);
  $("plan").textContent = "Working…";
  $("decide").disabled = true;
  try {
    const done = await call(`/api/${verb}`, { id, by: $("by").value, reason: $("why").value, yes: true });
    $("decision").close();
    notify(verb === "redrive" ? `${plural(done.redriven, "message")} redriven.` : `${done.done}.`);
  } catch (error) {
    $("plan").textContent = error.message;
    $("decide").disabled = false;
  }
};

// ---- faults and guarantees

const nameOf = ({ service, operation, kind, probability, containing }) => [service, operation ?? "(all)", kind,
  probability < 1 ? `${Math.round(probability * 100)} %` : "", containing ? `only requests with ${containing}` : ""].filter(Boolean).join(" ");
const showFaults = (rules) => {
  const active = rules.filter((each) => !each.expired);
  $("fault-count").textContent = active.length;
  $("fault-chip").classList.toggle("warn", active.length > 0);
  for (const box of $("presets").querySelectorAll("input")) {
    const on = active.find((each) => nameOf(each.rule) === box.value);
    box.dataset.rule = on?.id ?? "";
    box.checked = Boolean(on);
  }
  // The counts change with every call. Existing items are kept, because a replaced item would lose the focus.
  const there = new Map([...$("rules").children].map((item) => [item.dataset.rule, item]));
  const items = rules.map((each) => {
    const item = there.get(String(each.id)) ?? h("li", { "data-rule": each.id }, h("span", {}, h("code", {}, nameOf(each.rule)), h("small", {})),
      h("button", { type: "button", class: "small", onclick: action(() => turnOff(each.id)) }, "Turn off"));
    item.querySelector("small").textContent = ` hit ${each.hits} of ${plural(each.matched, "call")}${each.expired ? "; has ended" : ""}`;
    return item;
  });
  if (items.some((item, index) => item !== $("rules").children[index]) || items.length !== there.size) $("rules").replaceChildren(...items);
};
const showPresets = () => $("presets").replaceChildren(...stack.faults.map(({ title, rule }) => {
  const turn = action(async ({ target }) => {
    try {
      await (target.dataset.rule ? turnOff(target.dataset.rule) : call("/api/faults", rule));
    } catch (error) {
      target.checked = !target.checked;
      throw error;
    }
  });
  const box = h("input", { type: "checkbox", role: "switch", value: nameOf(rule), onchange: turn });
  return h("li", {}, h("label", {}, box, h("span", {}, title, h("small", {}, nameOf(rule)))));
}));
const turnOff = (id) => call(`/api/faults/${id}/remove`, {});
const addFault = () => call("/api/faults", {
  service: $("fault-service").value, operation: $("fault-operation").value || null, kind: $("fault-kind").value,
  probability: Number($("fault-probability").value), count: Number($("fault-times").value) || null,
  containing: $("fault-containing").value || null,
});
const checkGuarantees = async () => {
  const { guarantees, not_known: unknown } = await call("/api/guarantees", {});
  $("unknown").hidden = false;
  $("unknown").querySelector("p").textContent = `${unknown.join("; ")}.`;
  $("findings").replaceChildren(...guarantees.map((each) => h("li", { class: each.ok ? "good" : "bad" },
    h("b", {}, `${each.ok ? "✓" : "✗"} ${each.name} ${each.promise}`), h("span", { class: "sr" }, each.ok ? " holds" : " is broken"),
    h("small", {}, each.counted), h("ul", {}, [...each.violations, ...each.named].map((text) => h("li", {}, text))))));
  notify(guarantees.every((each) => each.ok) ? "All guarantees hold." : "A guarantee does not hold.");
};

// ---- the server's live data

const sections = {
  orders: showOrders,
  stock: showStock,
  faults: showFaults,
  dead_letters: showDead,
  queues: ({ orders: waiting, dead }) => {
    $("waiting").textContent = waiting;
    $("dead-count").textContent = dead;
    $("dead-chip").classList.toggle("bad", dead > 0);
  },
  trouble: showError,
};
const latest = {};
const listen = async () => {
  const answer = await fetch("/api/live", { headers: { [KEY_HEADER]: key } });
  if (!answer.ok) throw new Error((await answer.json()).error);
  $("live").textContent = "live";
  $("live").className = "chip good";
  showError();
  let text = "";
  for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
    const events = (text + part).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const [, name, data] = event.match(/^event: (.*)\ndata: (.*)$/);
      latest[name] = JSON.parse(data);
      sections[name]?.(latest[name]);
    }
  }
};
const keepListening = async () => {
  for (;;) {
    let why = "The stack has stopped. Start it again, and open the address that `python -m local status` shows.";
    try {
      stack = await call("/api/stack");
      redraft();
      showPresets();
      showFaults(latest.faults ?? []);
      await listen();
    } catch (error) {
      if (!(error instanceof TypeError)) why = error.message;
    }
    $("live").textContent = "not connected";
    $("live").className = "chip bad";
    showError(why);
    await new Promise((wake) => { setTimeout(wake, 2000); });
  }
};

for (const id of ["sku", "quantity", "price", "currency"]) $(id).addEventListener("input", () => { redraft(); showStock(latest.stock ?? []); });
$("key").addEventListener("input", showCurl);
$("body").addEventListener("input", showCurl);
$("new-key").addEventListener("click", newKey);
$("order-form").addEventListener("submit", action(place));
$("repeat").addEventListener("click", action(() => send([$("key").value])));
$("other-body").addEventListener("click", action(otherBody));
$("twenty-one").addEventListener("click", action(() => send(Array(20).fill($("key").value))));
$("twenty").addEventListener("click", action(() => send(Array.from({ length: 20 }, fresh))));
$("add-stock").addEventListener("click", action(addStock));
$("copy").addEventListener("click", action(async () => { await navigator.clipboard.writeText($("curl").textContent); notify("Copied."); }));
$("fault-form").addEventListener("submit", action(addFault));
$("redrive-all").addEventListener("click", () => decide("redrive", null));
$("decision-form").addEventListener("submit", (event) => { event.preventDefault(); carryOut(); });
for (const id of ["by", "why"]) $(id).addEventListener("input", showCommand);
$("cancel").addEventListener("click", () => $("decision").close());
$("decision").addEventListener("close", () => { decision = null; });
$("count").addEventListener("click", action(checkGuarantees));
newKey();
keepListening();

import { Belt, colour, inkOn } from "./belt.js";

const WORDS = { start: "Start", hold: "Hold", stop: "Stop", reset: "Reset", clear: "Clear" };
const TONES = { execute: "--good", starting: "--good", unholding: "--good", held: "--bad", holding: "--bad", aborted: "--bad", aborting: "--bad", suspended: "--wait", suspending: "--wait" };
const QUIET_MS = 3000;
const $ = (id) => document.getElementById(id);
const percent = (share, digits = 1) => share === null ? "–" : `${(100 * share).toFixed(digits)} %`;
const view = { layout: { bins: [] }, items: [] };
const belt = new Belt($("belt"));
let socket = null, heardAt = 0, mayCommand = false, dirty = false, pictureUrl = null, shown = false;

const fromUrl = new URLSearchParams(location.hash.slice(1)).get("token");
if (fromUrl) {
  sessionStorage.setItem("token", fromUrl);
  history.replaceState(null, "", location.pathname);
}
const token = () => sessionStorage.getItem("token") ?? "";

function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function setText(node, text) { if (node.textContent !== text) node.textContent = text; }

function letter(name) {
  const bin = view.layout.bins.find((one) => one.name === name);
  const made = element("span", bin ? bin.letter : "?", { class: "letter", "aria-hidden": "true" });
  const fill = colour(view.layout.bins, name);
  made.style.setProperty("--bin", fill);
  made.style.setProperty("--bin-ink", inkOn(fill));
  return made;
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/ws`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { socket.send(JSON.stringify({ token: token() })); askPictures(); };
  socket.onmessage = (event) => {
    heardAt = performance.now();
    if (typeof event.data === "string") take(JSON.parse(event.data)); else takePicture(event.data);
  };
  socket.onclose = (event) => {
    socket = null;
    if (event.reason) say(event.reason, true);
    showLink();
    setTimeout(connect, 1000);
  };
}

function askPictures() {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ pictures: shown && !document.hidden }));
}

function take(sections) {
  Object.assign(view, sections);
  if ("may_command" in sections) mayCommand = sections.may_command;
  const show = { layout: showLayout, cell: showCell, belt: showBelt, items: showItems, bins: showBins, valves: showValves, recipe: showRecipe, nodes: showNodes, events: showEvents };
  for (const [name, function_] of Object.entries(show)) if (name in sections) function_();
  showLink();
}

function live() { return socket?.readyState === WebSocket.OPEN && performance.now() - heardAt < QUIET_MS && view.cell?.heard; }

function showLink() {
  const open = socket?.readyState === WebSocket.OPEN && performance.now() - heardAt < QUIET_MS;
  const link = $("link");
  setText(link, !open ? "Server lost: what is shown is old" : !view.cell?.heard ? "Cell lost: what is shown is old" : mayCommand ? "live" : "live, looking on only (no token)");
  link.classList.toggle("lost", !live());
  document.body.toggleAttribute("data-stale", !live());
  belt.lost = !live();
  if (!live()) { setText($("state-word"), open ? "Cell lost" : "Server lost"); document.documentElement.style.setProperty("--tone", "var(--off)"); }
  else showState();
  for (const button of $("buttons").children) {
    button.disabled = !(live() && mayCommand && view.cell.buttons.includes(button.dataset.command));
  }
  $("apply").disabled = !(live() && mayCommand);
  for (const button of document.querySelectorAll(".bag")) button.disabled = !(live() && mayCommand);
}

function showLayout() { belt.layout = view.layout; setText($("name"), view.layout.name); }

function showState() {
  setText($("state-word"), view.cell.state);
  document.documentElement.style.setProperty("--tone", `var(${TONES[view.cell.state] ?? "--off"})`);
}

function showCell() {
  const { cell } = view;
  if (!cell.state) return;
  setText($("reason"), cell.reason);
  setText($("cure"), cell.cure ? `To do: ${cell.cure}` : "");
  setText($("estop"), cell.estop === null ? "Emergency stop: not heard" : cell.estop.pressed ? `EMERGENCY STOP PRESSED (${cell.estop.source})` : "Emergency stop: released (hard-wired)");
  $("estop").classList.toggle("pressed", Boolean(cell.estop?.pressed));
  const figures = { OEE: cell.oee, Availability: cell.availability, Performance: cell.performance, Quality: cell.quality };
  $("oee").replaceChildren(...Object.entries(figures).map(([name, value]) => {
    const group = element("div");
    group.append(element("dt", name), element("dd", percent(value)));
    return group;
  }));
}

function showBelt() {
  belt.take(view.belt);
  setText($("belt-speed"), !view.belt ? "not heard" : !view.belt.heard ? "belt not heard: places are old" : view.belt.moving ? `${view.belt.velocity.toFixed(2)} m/s` : "standing");
}

function showItems() { belt.items = view.items; }

function listItems() {
  if (!view.belt || !$("items").closest("details").open) return;
  $("items").replaceChildren(...view.items.map((item) => {
    const row = element("tr");
    const place = view.belt.position - item.position;
    row.append(element("td", `${place.toFixed(2)} m`), element("td", item.type || "not judged yet"), element("td", percent(item.confidence, 0)), element("td", item.bin || "–"), element("td", (item.outcome || "on its way").replaceAll("_", " ")));
    return row;
  }));
}

function showBins() {
  if (!view.bins) return;
  const { bins } = view;
  const rows = $("bin-rows");
  if (rows.children.length !== bins.bins.length) {
    rows.replaceChildren(...bins.bins.map((bin) => {
      const row = element("tr"), head = element("th", "", { scope: "row" });
      head.append(letter(bin.name), bin.name);
      row.append(head, ...["count", "confirmed", "missing", "purity", "bag"].map((name) => element("td", "", { class: name })));
      return row;
    }));
  }
  bins.bins.forEach((bin, number) => {
    const cells = rows.children[number].children;
    setText(cells[1], String(bin.count));
    setText(cells[2], String(bin.confirmed));
    setText(cells[3], String(bin.missing));
    setText(cells[4], percent(bin.purity));
    const bag = `${bin.in_bag}${bin.capacity ? ` of ${bin.capacity}` : ""}${bin.full ? " FULL" : ""}`;
    if (cells[5].dataset.text === bag) return;
    cells[5].dataset.text = bag;
    cells[5].classList.toggle("full", bin.full);
    cells[5].replaceChildren(bag);
    if (bin.full) {
      const button = element("button", "New bag", { type: "button", class: "quiet bag", "aria-label": `New bag for ${bin.name}` });
      button.onclick = () => command({ command: "new_bag", bin: bin.name });
      cells[5].append(" ", button);
    }
  });
  setText($("balance"), `${bins.items_in} in, ${bins.on_belt} on the belt, ${bins.unexpected} unexpected`);
}

function chips(list, entries) {
  list.replaceChildren(...entries.map(({ name, level, text }) => element("li", level === "ok" ? `${name} ok` : `${name} ${level}${text ? `: ${text}` : ""}`, { class: level })));
}

function showValves() {
  belt.shots(view.valves);
  const key = JSON.stringify(view.valves.map((valve) => [valve.level, valve.text]));
  if (key === view.valveKey) return;
  view.valveKey = key;
  chips($("valves"), view.valves.map((valve) => ({ name: String(valve.valve), level: valve.level, text: valve.text })));
}

function showNodes() { chips($("nodes"), view.nodes.map((node) => ({ name: node.name, level: node.level, text: node.message }))); }

function showEvents() {
  const list = $("events"), newest = Number(list.firstElementChild?.dataset.number ?? 0);
  const restarted = view.events.length && view.events.at(-1).number < newest;
  if (restarted) list.replaceChildren();
  for (const event of view.events) {
    if (!restarted && event.number <= newest) continue;
    const row = element("li", "", { class: event.level, "data-number": event.number });
    row.append(element("time", new Date(event.at * 1000).toLocaleTimeString("en-GB")), element("b", event.level), event.text);
    list.prepend(row);
  }
  while (list.children.length > 200) list.lastElementChild.remove();
}

function showRecipe() {
  const { recipe } = view, types = Object.keys(recipe.types);
  if ($("types").children.length !== 2 * types.length) {
    $("types").replaceChildren(...types.flatMap((type) => {
      const select = element("select", "", { id: `type-${type}`, name: type });
      select.append(element("option", "(none)", { value: "" }), ...view.layout.bins.map((bin) => element("option", `${bin.letter}  ${bin.name}`, { value: bin.name })));
      return [element("label", type, { for: select.id }), select];
    }));
    dirty = false;
  }
  if (!dirty) fillRecipe();
}

function fillRecipe() {
  $("threshold").value = view.recipe.threshold.toFixed(2);
  $("novelty").value = view.recipe.novelty_limit.toFixed(2);
  for (const select of $("types").querySelectorAll("select")) select.value = view.recipe.types[select.name] ?? "";
}

function number(field) { return field.value.trim() === "" || Number.isNaN(Number(field.value)) ? field.value : Number(field.value); }

function edit() {
  const moved = [...$("types").querySelectorAll("select")].filter((select) => select.value !== view.recipe.types[select.name]);
  return { threshold: number($("threshold")), novelty_limit: number($("novelty")), types: Object.fromEntries(moved.map((select) => [select.name, select.value])) };
}

async function post(path, body) {
  let response;
  try {
    response = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", Authorization: `Bearer ${token()}` }, body: JSON.stringify(body) });
  } catch {
    return { error: "the server is lost" };
  }
  return response.json();
}

async function command(body) {
  const answer = await post("/command", body);
  say(answer.error ?? `${WORDS[body.command] ?? body.command}: ${answer.done}`, "error" in answer);
  return answer;
}

function say(text, bad = false) { $("answer").classList.toggle("bad", bad); setText($("answer"), text); }

function wrong(error) {
  setText($("recipe-error"), error ?? "");
  $("threshold").setAttribute("aria-invalid", String(Boolean(error?.includes("threshold:"))));
  $("novelty").setAttribute("aria-invalid", String(Boolean(error?.includes("novelty_limit:"))));
}

let waiting = null;
function previewSoon() {
  dirty = true;
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    const result = await post("/preview", edit());
    wrong(result.error);
    if (result.error) { setText($("preview"), ""); return; }
    const bins = Object.entries(result.bins).map(([bin, gained]) => `${bin} ${gained > 0 ? "+" : "−"}${Math.abs(gained)}`).join(", ");
    setText($("preview"), `Of the last ${result.verdicts} verdicts: ${result.to_others} more would go to others, ${result.from_others} fewer, ${result.to_another_bin} to another bin. ${bins}`);
  }, 250);
}

function takePicture(data) {
  const long = new DataView(data).getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, long)));
  if (pictureUrl) URL.revokeObjectURL(pictureUrl);
  pictureUrl = URL.createObjectURL(new Blob([new Uint8Array(data, 4 + long)], { type: "image/jpeg" }));
  const image = $("picture"), box = $("box");
  image.src = pictureUrl;
  image.alt = `The battery just judged: ${head.type}`;
  image.hidden = box.hidden = !shown;
  $("no-picture").hidden = shown;
  const [left, top, width, height] = head.box;
  Object.assign(box.style, { left: `${100 * left / head.width}%`, top: `${100 * top / head.height}%`, width: `${100 * width / head.width}%`, height: `${100 * height / head.height}%` });
  const threshold = view.recipe?.threshold ?? 1;
  setText($("judged"), `${head.type}, ${percent(head.confidence)} sure, novelty ${head.novelty.toFixed(2)}`);
  $("bar-fill").style.width = `${100 * head.confidence}%`;
  $("bar-fill").classList.toggle("low", head.confidence < threshold);
  $("bar-threshold").style.left = `${100 * threshold}%`;
  $("bar").setAttribute("aria-label", `Confidence ${percent(head.confidence)}, threshold ${percent(threshold)}`);
}

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").setAttribute("aria-pressed", String(dark));
}

for (const [name, word] of Object.entries(WORDS)) {
  const button = element("button", word, { type: "button", "data-command": name });
  button.disabled = true;
  button.onclick = () => command({ command: name });
  $("buttons").append(button);
}
$("pictures").onclick = () => {
  shown = !shown;
  $("pictures").setAttribute("aria-pressed", String(shown));
  $("no-picture").hidden = false;
  setText($("no-picture"), shown ? "Waiting for a picture" : "Picture off");
  $("picture").hidden = $("box").hidden = true;
  askPictures();
};
$("recipe").oninput = previewSoon;
$("recipe").onsubmit = async (event) => {
  event.preventDefault();
  const answer = await command({ command: "recipe", recipe: edit() });
  wrong(answer.error);
  if (!answer.error) { dirty = false; setText($("preview"), ""); }
};
$("undo").onclick = () => { dirty = false; wrong(""); setText($("preview"), ""); if (view.recipe) fillRecipe(); };
const system = matchMedia("(prefers-color-scheme: dark)");
const chosen = localStorage.getItem("theme");
setTheme(chosen ? chosen === "dark" : system.matches);
system.onchange = () => { if (!localStorage.getItem("theme")) setTheme(system.matches); };
$("theme").onclick = () => {
  const dark = document.documentElement.dataset.theme !== "dark";
  localStorage.setItem("theme", dark ? "dark" : "light");
  setTheme(dark);
};
document.onvisibilitychange = askPictures;
setInterval(() => { showLink(); listItems(); }, 1000);
connect();

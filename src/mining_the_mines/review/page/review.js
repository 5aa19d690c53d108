"use strict";
// The page of a review: places one after the other, answers by key or click. The server, or in the static form the page
// itself, says which place comes next.
(() => {
const $ = id => document.getElementById(id);
const setup = JSON.parse($("setup").textContent);
const SVG = "http://www.w3.org/2000/svg";
const ANSWERS = { mine: "mine", no_mine: "no mine", cannot_tell: "can’t tell" };
const make = (tag, text = "", attributes = {}) => {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
};
const draw = (tag, attributes) => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
};
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), part => part.toString(16).padStart(2, "0")).join("");

const server = {
  async ask(path, body) {
    const options = body === undefined ? {} : {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Review-Token": setup.token },
      body: JSON.stringify(body),
    };
    let answered;
    try {
      answered = await fetch(path, options);
    } catch {
      throw new Error("The server does not answer. Start kedro review again; your earlier answers are stored.");
    }
    const told = await answered.json();
    if (!answered.ok) throw new Error(told.error);
    return told;
  },
  work: reviewer => server.ask("/work?reviewer=" + encodeURIComponent(reviewer)),
  answer: given => server.ask("/answer", given),
  undo: reviewer => server.ask("/undo", { reviewer }),
  show: (reviewer, place_id) => server.ask("/show", { reviewer, place_id }),
};

const state = { reviewer: "", work: null, large: "now", since: 0, busy: false, marks: true, points: null, corrects: false, chosen: -1, cursor: [0.5, 0.5], outline: [] };
const backend = setup.places ? window.staticReview(setup) : server;

function say(text, wrong = false) {
  $("said").textContent = text;
  $("said").className = wrong ? "wrong" : "";
}

// ---- pictures

function show() {
  const { work } = state, place = work.place;
  $("progress").textContent = `${state.reviewer} · ${work.done} of ${work.total}`;
  $("bar").max = work.total;
  $("bar").value = work.done;
  $("undo").disabled = !work.last;
  for (const button of document.querySelectorAll("#answers button, #draw, #turn, #frame")) button.disabled = !place;
  $("facts").replaceChildren();
  if (!place) {
    $("question").textContent = "All places are judged. Thank you!" + (setup.places ? " Save your answers with E." : "");
    for (const part of ["large", "small"]) $(part).hidden = true;
    return;
  }
  for (const part of ["large", "small"]) $(part).hidden = false;
  $("ground").textContent = `${place.kilometres} km`;
  for (const [name, value] of [["Place", `${place.number}`], ["Region", place.region], ["Period", place.period],
    ["Width", `${place.kilometres} km`], ["Degrees", `${place.latitude.toFixed(5)}, ${place.longitude.toFixed(5)}`]]) {
    if (value) $("facts").append(make("dt", name), make("dd", value));
  }
  $("question").textContent = (isSmall(place) ? "Is the ground in the middle of the yellow frame a mine?"
    : place.draft.length ? "Is the ground inside the yellow line a mine?" : "Is there a mine inside the yellow line?")
    + " Press a key, or click a button.";
  showPictures();
}

const caption = (view, large) => {
  const told = view.period || view.dates;
  return told && told !== (large.period || large.dates) ? `${view.title} · ${told}` : view.title;
};

function showPictures() {
  const views = state.work.place.views;
  const large = views.find(view => view.name === state.large) || views[0];
  const figure = $("large");
  figure.querySelector("img").src = large.url;
  figure.querySelector("img").alt = `${large.title} of the place`;
  figure.querySelector("figcaption").textContent = [large.title, large.period, large.dates].filter(Boolean).join(" · ");
  $("small").replaceChildren(...views.filter(view => view !== large).map(view => {
    const small = make("figure"), picture = make("div", "", { class: "picture" });
    picture.append(make("img", "", { src: view.url, alt: `${view.title} of the place` }), draw("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none" }));
    small.append(picture, make("figcaption", caption(view, large)));
    small.addEventListener("click", () => { state.large = view.name; showPictures(); });
    return small;
  }));
  showMarks();
}

const path = (points, close = true) => points.map(([x, y], at) => `${at ? "L" : "M"}${x} ${y}`).join("") + (close ? "Z" : "");
// A pixel is too small to be seen: it has a frame of 60 m around it.
const LEAST = 0.03;
const extent = rings => [0, 1].map(axis => { const all = rings.flat().map(point => point[axis]); return [Math.min(...all), Math.max(...all)]; });
const isSmall = place => !place.marks.length || extent(place.marks).every(([low, high]) => high - low < LEAST);
function frames(place) {
  if (!isSmall(place)) return place.marks;
  const [x, y] = place.marks.length ? extent(place.marks).map(([low, high]) => (low + high) / 2) : [0.5, 0.5], half = LEAST / 2;
  return [[[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]]];
}

function showMarks() {
  const place = state.work.place, marked = frames(place).map(ring => path(ring)).join("");
  for (const svg of document.querySelectorAll("main svg")) {
    svg.replaceChildren();
    if (state.marks && !state.points) svg.append(draw("path", { class: "halo", d: marked }), draw("path", { class: "mark", d: marked }));
  }
  const svg = $("large").querySelector("svg"), points = state.points || state.outline;
  if (points.length) svg.append(draw("path", { class: "drawn", d: path(points, points.length > 2) }));
  if (!state.points) return;
  const size = 7 / svg.clientWidth;
  state.points.forEach(([x, y], at) => {
    svg.append(draw("rect", { class: at === state.chosen ? "corner chosen" : "corner", "data-at": at, x: x - size, y: y - size, width: 2 * size, height: 2 * size }));
  });
  const [x, y] = state.cursor;
  svg.append(draw("path", { class: "cross", d: `M${x - 0.04} ${y}H${x + 0.04}M${x} ${y - 0.04}V${y + 0.04}` }));
}

// ---- outlines

function startDrawing() {
  if (!state.work.place) return;
  state.points = [...(state.outline.length ? state.outline : state.work.place.draft)];
  state.corrects = state.points.length > 0;
  state.chosen = -1;
  document.body.classList.add("drawing");
  say((state.corrects ? "Drag the corners; click on a line for a new one." : "Click around the mine.") + " Arrows move, Space sets, Tab picks up, Backspace removes, R starts anew, Enter is done, Escape leaves.");
  showMarks();
}

function endDrawing(keep) {
  if (keep && state.points.length > 0 && state.points.length < 3) return say("An outline needs three corners at least.", true);
  if (keep && crosses(state.points)) return say("The line crosses itself: move a corner, or press R to start anew.", true);
  if (keep) state.outline = state.points;
  state.points = null;
  document.body.classList.remove("drawing");
  say(state.outline.length ? "The outline is kept. Press M to store it as a mine." : "");
  showMarks();
}

function crosses(points) {
  const side = (a, b, c) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
  const edges = points.map((point, at) => [point, points[(at + 1) % points.length]]);
  return edges.some(([a, b], i) => edges.some(([c, d], j) => {
    if (j <= i + 1 || (i === 0 && j === edges.length - 1)) return false;
    return side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b);
  }));
}

function drawByKey(event) {
  const step = event.shiftKey ? 0.05 : 0.01, moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  const inside = value => Math.min(1, Math.max(0, value));
  if (moves[event.key]) {
    state.cursor = state.cursor.map((value, at) => inside(value + moves[event.key][at]));
    if (state.chosen >= 0) state.points[state.chosen] = [...state.cursor];
  } else if (event.key === " ") {
    if (state.chosen >= 0) state.chosen = -1; else add([...state.cursor]);
  } else if (event.key === "Tab" && state.points.length) {
    state.chosen = (state.chosen + (event.shiftKey ? state.points.length - 1 : 1)) % state.points.length;
    state.cursor = [...state.points[state.chosen]];
  } else if (event.key === "Backspace" || event.key === "Delete") {
    state.points.splice(state.chosen >= 0 ? state.chosen : -1, 1);
    state.chosen = -1;
  } else if (event.key.toLowerCase() === "r") {
    state.points = [];
    state.corrects = false;
    state.chosen = -1;
  } else if (event.key === "Enter") {
    event.preventDefault();
    return endDrawing(true);
  } else if (event.key === "Escape") {
    return endDrawing(false);
  } else {
    return undefined;
  }
  event.preventDefault();
  return showMarks();
}

// A new corner is the last one, or of an outline that is corrected, one on the nearest edge.
function add(point) {
  const { points } = state;
  const away = at => {
    const [a, b] = [points[at], points[(at + 1) % points.length]], along = [b[0] - a[0], b[1] - a[1]];
    const share = ((point[0] - a[0]) * along[0] + (point[1] - a[1]) * along[1]) / (along[0] ** 2 + along[1] ** 2 || 1);
    const near = Math.min(1, Math.max(0, share));
    return Math.hypot(a[0] + near * along[0] - point[0], a[1] + near * along[1] - point[1]);
  };
  const edges = state.corrects ? points.map((_, at) => at).sort((one, other) => away(one) - away(other)) : [];
  const at = edges.length ? edges[0] + 1 : points.length;
  points.splice(at, 0, point);
  return at;
}

function place(event) {
  const box = $("large").querySelector(".picture").getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top].map((value, at) => Math.min(1, Math.max(0, value / (at ? box.height : box.width))));
}

$("large").addEventListener("pointerdown", event => {
  if (!state.points) return;
  event.preventDefault();
  const at = event.target.getAttribute("data-at");
  state.cursor = place(event);
  state.chosen = at === null ? add(state.cursor) : Number(at);
  showMarks();
});
window.addEventListener("pointermove", event => {
  if (!state.points || state.chosen < 0 || !event.buttons) return;
  state.cursor = place(event);
  state.points[state.chosen] = state.cursor;
  showMarks();
});
window.addEventListener("pointerup", () => {
  if (!state.points) return;
  state.chosen = -1;
  showMarks();
});

// Degrees of a point of the picture, between those of its corners: right within centimetres over some kilometres.
function degrees([x, y]) {
  const [nw, ne, se, sw] = state.work.place.corners;
  return [0, 1].map(axis => (nw[axis] * (1 - x) + ne[axis] * x) * (1 - y) + (sw[axis] * (1 - x) + se[axis] * x) * y);
}

function outlineText() {
  if (!state.outline.length) return "";
  return `POLYGON ((${[...state.outline, state.outline[0]].map(point => degrees(point).map(value => value.toFixed(7)).join(" ")).join(", ")}))`;
}

// ---- answers

async function once(work) {
  if (state.busy) return;
  state.busy = true;
  try {
    await work();
  } catch (error) {
    say(error.message, true);
  } finally {
    state.busy = false;
  }
}

function take(work) {
  state.work = work;
  state.large = "now";
  state.outline = [];
  state.points = null;
  state.cursor = [0.5, 0.5];
  document.body.classList.remove("drawing");
  $("comment").value = "";
  show();
  state.since = performance.now();
  for (const url of work.ahead) new Image().src = url;
}

const answer = (judgement, look = "") => once(async () => {
  const judged = state.work.place;
  if (!judged) return;
  const given = {
    answer_id: newId(), reviewer: state.reviewer, place_id: judged.place_id, answer: judgement, look_alike: look,
    outline: judgement === "mine" ? outlineText() : "", comment: $("comment").value,
    seconds: Math.min(86400, Math.round(performance.now() - state.since) / 1000),
  };
  take(await backend.answer(given));
  const last = state.work.last;
  const title = (setup.look_alikes.find(kind => kind.name === last.look_alike) || {}).title;
  say(`Place ${last.number}: ${ANSWERS[last.answer]}${title ? ` (${title})` : ""}.`);
  if (backend.show) {
    const button = make("button", " Show the map’s answer", { type: "button", id: "reveal" });
    button.prepend(make("kbd", "S"));
    button.addEventListener("click", reveal);
    $("said").append(button);
  }
});

const undo = () => once(async () => {
  if (!state.work.last) return;
  const number = state.work.last.number;
  take(await backend.undo(state.reviewer));
  say(`The answer to place ${number} is taken back: judge it again.`);
});

const reveal = () => once(async () => {
  const last = state.work.last;
  if (!last || !backend.show) return;
  const told = await backend.show(state.reviewer, last.place_id);
  say(`Place ${last.number}. ` + Object.entries(told).map(([name, value]) => `${name}: ${value}`).join(" · "));
});

const turn = () => {
  const names = state.work.place.views.map(view => view.name);
  state.large = names[(names.indexOf(state.large) + 1) % names.length];
  showPictures();
};

function welcome() {
  $("welcome").showModal();
  $("name").select();
}

// ---- buttons and keys

setup.look_alikes.forEach((kind, at) => {
  const button = make("button", ` ${kind.title}`, { type: "button", "data-key": `${at + 1}`, title: kind.signs });
  button.prepend(make("kbd", `${at + 1}`));
  button.addEventListener("click", () => answer("no_mine", kind.name));
  $("looks").append(button);
  const signs = make("div");
  if (kind.picture) signs.append(make("img", "", { src: kind.picture, alt: `${kind.title} from above`, width: "72", height: "72" }));
  signs.append(make("dt", kind.title), make("dd", kind.signs));
  $("signs").append(signs);
});
const actions = {
  mine: () => answer("mine"), unsure: () => answer("cannot_tell"), undo, draw: startDrawing, turn,
  frame: () => { state.marks = !state.marks; showMarks(); }, help: welcome, export: () => backend.save(state.reviewer),
};
for (const [id, action] of Object.entries(actions)) $(id).addEventListener("click", action);
$("export").hidden = !backend.save;

document.addEventListener("keydown", event => {
  if ($("welcome").open || event.ctrlKey || event.metaKey || event.altKey || !state.work) return;
  if (event.target === $("comment")) {
    if (event.key === "Enter" || event.key === "Escape") $("comment").blur();
    return;
  }
  if (state.points) {
    drawByKey(event);
    return;
  }
  const key = event.key.toLowerCase();
  if (key === "t") {
    event.preventDefault();
    $("comment").focus();
  } else if (key === "s") {
    reveal();
  } else if (!event.repeat) {
    const button = document.querySelector(`button[data-key="${CSS.escape(key)}"]`);
    if (button && !button.hidden && !button.disabled) {
      event.preventDefault();
      button.click();
    }
  }
});

$("welcome").addEventListener("cancel", event => { if (!state.work) event.preventDefault(); });
$("welcome").addEventListener("close", () => once(async () => {
  const name = $("name").value.trim();
  if (!name) return welcome();
  if (name === state.reviewer && state.work) return undefined;
  state.reviewer = name;
  try { localStorage.setItem("reviewer", name); } catch { /* private window */ }
  $("start").blur();
  take(await backend.work(name));
  say(state.work.done ? `Welcome back: you go on with place ${state.work.place ? state.work.place.number : state.work.total}.` : "");
  return undefined;
}));
try { $("name").value = localStorage.getItem("reviewer") || ""; } catch { /* private window */ }
welcome();
})();

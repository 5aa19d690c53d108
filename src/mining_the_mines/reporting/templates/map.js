(() => {
"use strict";

const {
  DASH, phone, calm, data, grouped, hectares, count, place, title, element, find, ring, drawPolygon, colour,
  sharpen, show, addSigns, unseen, key, surroundings, createMap, baseTiles,
} = MapBase;
const content = data("data");
/** Rows of the list that are made at once: browsers take long over thousands. */
const ROWS = 200;

// ---- data -----------------------------------------------------------------------------------------------------

function minesOf(scene) {
  const columns = Object.entries(scene.mines.columns), {longitude, latitude, reach} = scene.mines.extents;
  return scene.mines.polygons.map((polygon, row) => {
    const mine = {scene, polygon, place: {longitude: longitude[row], latitude: latitude[row], reach: reach[row]}};
    for (const [name, values] of columns) mine[name] = values[row];
    return mine;
  });
}

document.documentElement.style.setProperty("--review", content.reviewColour);

const mines = content.scenes.flatMap(minesOf);
mines.sort((one, other) =>
  Number(other.review ?? false) - Number(one.review ?? false) ||
  one.confidence - other.confidence ||
  other.area_ha - one.area_ha);
const byAddress = new Map(mines.map(mine => [addressOf(mine), mine]));
const permitsKnown = mines.some(mine => (mine.outside_concessions_ha ?? mine.protected_ha ?? null) !== null);

function addressOf(mine) {
  return `#mine=${encodeURIComponent(mine.scene.name)}/${mine.id}`;
}

/** The same, however a mail program has written it. */
function readAddress() {
  const [, scene, id] = /^#mine=(.+)\/(\d+)$/.exec(location.hash) ?? [];
  if (scene === undefined) return undefined;
  try {
    return byAddress.get(`#mine=${encodeURIComponent(decodeURIComponent(scene))}/${Number(id)}`);
  } catch {
    return undefined;
  }
}

// ---- map ------------------------------------------------------------------------------------------------------

const map = createMap(content);
const overlays = {};
let opened = null;
/** Numbers of the mines that match, the most urgent last. */
let drawn = [];
/** Looks of mines by confidence, then of those to be reviewed. */
const looks = [false, true].flatMap(review => content.classes.map(({colour: fill}) => ({
  fill, opacity: review ? 0.4 : 0.25, line: review ? content.reviewColour : fill, weight: review ? 3 : 2,
})));
const sides = ["longitude", "latitude", "reach"];
const places = Object.fromEntries(sides.map(side => [side, mines.map(mine => mine.place[side])]));
const drawnMines = new PolygonLayer(places, 1e-6, {
  looks,
  rows: () => drawn,
  placeOf: row => row,
  outline: row => mines[row].polygon,
  look: row => mines[row].confidence + (mines[row].review ? content.classes.length : 0),
  opened: () => opened === null ? null : mines.indexOf(opened),
  words: row => headline(mines[row]),
}).addTo(map);
const photographs = L.layerGroup(), probabilities = L.layerGroup();

function picture(found, pane, description) {
  const layer = L.imageOverlay(found.uri, found.bounds, {pane, alt: description});
  layer.on("load", sharpenAll);
  return layer;
}

for (const scene of content.scenes) {
  scene.bounds = L.latLngBounds(scene.photograph.bounds);
  photographs.addLayer(unseen(map, scene.footprint));
  photographs.addLayer(picture(scene.photograph, "pictures", `True colour of ${scene.name}`));
  if (scene.probability) probabilities.addLayer(picture(scene.probability, "probability", `Probability, ${scene.name}`));
}

const surrounding = surroundings(content.scenes);

const tiles = baseTiles(content);
if (tiles) overlays[`${key("none")}Base map`] = tiles.addTo(map);
overlays[`${key("none")}True colour`] = photographs.addTo(map);
if (probabilities.getLayers().length) overlays[`${key("scale")}Probability 0${DASH}1`] = probabilities;
for (const [name, group] of surrounding) overlays[name] = group.addTo(map);
overlays[`${key("none")}Mines`] = drawnMines;
L.control.layers(null, overlays, {collapsed: phone.matches}).addTo(map);

function sharpenAll() {
  sharpen(map, [...photographs.getLayers(), ...probabilities.getLayers()]);
}

map.on("zoomend", sharpenAll);
addSigns(map, content.scenes);

// ---- mines ----------------------------------------------------------------------------------------------------

let returnTo = null;
const popup = L.popup({autoPan: false});

/** Move the map until all of the popup is in view; Leaflet would do so, but always glides. */
function reveal(glide) {
  const card = popup.getElement().getBoundingClientRect(), frame = map.getContainer().getBoundingClientRect();
  const beyond = (from, to, first, last) => from < first + 10 ? from - first - 10 : Math.max(0, to - last + 10);
  const right = beyond(card.left, card.right, frame.left, frame.right);
  const down = beyond(card.top, card.bottom, frame.top, frame.bottom);
  if (right || down) map.panBy([right, down], {animate: glide && !calm});
}

function swatch(mine) {
  const {colour: filled} = content.classes[mine.confidence];
  return element("span", {class: mine.review ? "swatch review" : "swatch", "--swatch": filled});
}

function row(name, ...values) {
  return values.some(value => value !== null) ? [element("dt", {}, name), element("dd", {}, ...values)] : [];
}

function reasons(mine) {
  if (!mine.review) return null;
  const parts = [];
  if (mine.protected_ha > 0) parts.push(`${hectares(mine.protected_ha)} lie in a protected area`);
  if (mine.outside_concessions_ha > 0) parts.push(`${hectares(mine.outside_concessions_ha)} outside every concession`);
  return element("p", {class: "alarm"}, `To be reviewed${parts.length ? ": " + parts.join(", ") : ""}.`);
}

function thumbnail(mine) {
  const found = mine.scene.thumbnails[mine.id];
  if (!found) return null;
  const across = found.metres < 995 ? `${Math.round(found.metres)} m` : `${(found.metres / 1000).toFixed(1)} km`;
  return element("figure", {},
    element("img", {src: found.uri, alt: `True colour around mine ${mine.id}`, width: 220, height: 220}),
    element("figcaption", {}, `True colour, ${across} across`));
}

function details(mine) {
  const {scene} = mine;
  const clear = mine.clear_dates ?? null;
  const given = mine.outside_concessions_ha ?? null;
  const guardedArea = mine.protected_ha ?? null;
  return element("dl", {},
    ...row("Area", hectares(mine.area_ha)),
    ...row("Confidence", content.classes[mine.confidence].title),
    ...row("Probability", `${mine.mean_probability.toFixed(2)} on average, ${mine.max_probability.toFixed(2)} at most`),
    ...row("Clear dates", clear === null ? "not known" : `${clear} (of its median pixel)`),
    ...row("Images", scene.period ?? "dates not known"),
    ...row("Concession", given === null ? null : mine.concession ?? "none"),
    ...row("Outside any", given === null ? null : hectares(given)),
    ...row("Protected area", guardedArea === null ? null : mine.protected_area ?? "none"),
    ...row("Inside it", guardedArea === null || !mine.protected_area ? null : hectares(guardedArea)),
    ...row("Middle", place(mine.latitude, mine.longitude, 5)),
    ...row("At the edge", mine.touches_edge ? "it may go on where the scene ends or has no data" : null),
    ...row("Scene", scene.name),
    ...row("Model", `${scene.model}, version ${scene.version}`),
    ...row("Lineage", scene.lineage || null));
}

function card(mine) {
  return element("div", {class: "popup"},
    element("h3", {tabindex: "-1"}, swatch(mine), `Mine ${mine.id}`),
    reasons(mine),
    element("div", {class: "columns"}, thumbnail(mine), details(mine)),
    element("p", {class: "link"}, element("a", {href: addressOf(mine)}, "Link to this mine")));
}

function open(mine, {move = true, at = null, focus = false} = {}) {
  const size = map.getSize();
  popup.options.maxWidth = phone.matches ? Math.min(280, size.x - 70) : mine.scene.thumbnails[mine.id] ? 560 : 340;
  popup.options.minWidth = Math.min(230, size.x - 70);
  popup.options.maxHeight = phone.matches ? size.y * 0.58 : size.y - 90;
  const bounds = boundsOf(mine);
  if (move) map.fitBounds(bounds.pad(1.2), {maxZoom: 16, animate: false});
  opened = mine;
  drawnMines.redraw();
  // Above the mine, so that it can be seen.
  popup.setContent(card(mine)).setLatLng(at ?? [bounds.getNorth(), bounds.getCenter().lng]).openOn(map);
  reveal(!move);
  if (location.hash !== addressOf(mine)) history.replaceState(null, "", addressOf(mine));
  mark();
  // The browser would scroll what the map has moved already.
  if (focus) popup.getElement().querySelector("h3").focus({preventScroll: true});
}

map.on("popupclose", () => {
  opened = null;
  drawnMines.redraw();
  if (readAddress()) history.replaceState(null, "", location.pathname + location.search);
  mark();
  if (returnTo?.isConnected) returnTo.focus();
  returnTo = null;
});
drawnMines.on("pick", ({row: picked, latlng}) => open(mines[picked], {move: false, at: latlng}));

function headline({id, area_ha, confidence}) {
  return `Mine ${id} · ${hectares(area_ha)} · ${content.classes[confidence].title.toLowerCase()} confidence`;
}

function boundsOf(mine) {
  return L.latLngBounds(mine.polygon.flat().flatMap(ring));
}

document.addEventListener("keydown", event => { if (event.key === "Escape") map.closePopup(); });
window.addEventListener("hashchange", () => {
  const mine = readAddress();
  if (mine && mine !== opened) open(mine, {focus: true});
});

// ---- panel ----------------------------------------------------------------------------------------------------

const chosen = {classes: new Set(content.classes.keys()), review: false, minimum: 0};
const list = find("#list ol");
let matching = mines;

function matches(mine) {
  return chosen.classes.has(mine.confidence) && mine.area_ha >= chosen.minimum && (!chosen.review || mine.review);
}

function total(some) {
  return some.reduce((sum, mine) => sum + mine.area_ha, 0);
}

function entry(mine) {
  const several = content.scenes.length > 1;
  const found = content.classes[mine.confidence];
  const review = mine.review ? element("span", {class: "alarm"}, "review · ") : null;
  const words = element("small", {}, review, `${found.title.toLowerCase()} confidence`,
    several ? ` · ${title(mine.scene.name)}` : "");
  const button = element("button", {type: "button", onclick: () => {
    open(mine, {focus: true});
    returnTo = button;
  }},
    swatch(mine),
    element("span", {class: "what"}, `Mine ${mine.id}`, words),
    element("span", {class: "area"}, hectares(mine.area_ha)));
  button.mine = mine;
  return element("li", {}, button);
}

function mark() {
  map.getContainer().classList.toggle("reading", opened !== null);
  for (const button of list.querySelectorAll("button")) {
    button.setAttribute("aria-current", String(button.mine === opened));
  }
}

function more() {
  const from = list.children.length;
  list.append(...matching.slice(from, from + ROWS).map(entry));
  find("#more").hidden = list.children.length >= matching.length;
  mark();
}

function apply() {
  matching = mines.filter(matches);
  // The surest are drawn last, those to be reviewed on top of all.
  drawn = [...mines.keys()].filter(at => matches(mines[at])).reverse();
  drawnMines.redraw();
  list.replaceChildren();
  more();
  const all = matching.length === mines.length;
  const order = permitsKnown ? "Those to be reviewed first, then by confidence and area." : "By confidence, then by area.";
  const some = `${grouped(String(matching.length))} of ${count(mines.length, "mine")} shown, ${hectares(total(matching))}.`;
  find("#shown").textContent = all ? order : some;
}

function classBox({title: name, colour: swatch}, rank) {
  const number = mines.filter(mine => mine.confidence === rank).length;
  const box = element("input", {type: "checkbox", checked: "", onchange: () => {
    chosen.classes[box.checked ? "add" : "delete"](rank);
    apply();
  }});
  return element("label", {}, box, element("span", {class: "swatch", "--swatch": swatch}),
    `${name} confidence`, element("span", {class: "number"}, grouped(String(number))));
}

function fillFilters() {
  find("#classes").append(...content.classes.map(classBox));
  const review = find("#review-only");
  review.hidden = !permitsKnown;
  const number = mines.filter(mine => mine.review).length;
  review.querySelector("input").after(element("span", {class: "swatch review empty"}));
  review.append(element("span", {class: "number"}, grouped(String(number))));
  review.querySelector("input").addEventListener("change", event => { chosen.review = event.target.checked; apply(); });
  find("#minimum input").addEventListener("input", event => {
    chosen.minimum = Math.max(0, Number(event.target.value) || 0);
    apply();
  });
}

function sceneEntry(scene) {
  const some = mines.filter(mine => mine.scene === scene);
  const found = some.length ? `${count(some.length, "mine")}, ${hectares(total(some))}` : "no mine was found";
  const words = [scene.blank ? "" : found, scene.sight].filter(Boolean).join("; ");
  return element("li", {}, element("button", {type: "button", onclick: () => show(map, scene.bounds)},
    element("span", {class: "what"}, title(scene.name), element("small", {}, words))));
}

function fillHead() {
  const [first] = content.scenes;
  const review = mines.filter(mine => mine.review);
  const where = content.scenes.length > 1 ? `${content.scenes.length} scenes` : first ? title(first.name) : "no scene";
  const blank = content.scenes.filter(scene => scene.blank);
  const unseen = blank.length > 0 && blank.length === content.scenes.length;
  const found = mines.length
    ? `${count(mines.length, "mine")} of ${hectares(total(mines))} in ${where}`
    : `${unseen ? "Nothing could be seen" : "No mine was found"} in ${where}`;
  const clauses = [found];
  if (review.length) clauses.push(`${review.length} to be reviewed`);
  if (content.scenes.length === 1 && !unseen && first.sight) clauses.push(first.sight);
  if (blank.length && !unseen) clauses.push(`nothing could be seen in ${count(blank.length, "scene")}`);
  find("#summary").textContent = `${clauses.join("; ")}.`;
  const models = new Set(content.scenes.map(scene => `${scene.model}, version ${scene.version}`));
  const periods = new Set(content.scenes.map(scene => scene.period));
  const period = periods.size === 1 && first.period ? `Images of ${first.period}. ` : "";
  find("#nothing").hidden = Boolean(mines.length) || unseen || !content.scenes.length;
  find("#facts").textContent = models.size === 1 ? `${period}Model: ${[...models][0]}.` : period;
}

/** All scenes where that shows something of them, else the one with most to look at. */
function firstView() {
  if (!content.scenes.length) return L.latLngBounds([[-60, -170], [70, 170]]);
  const all = content.scenes.reduce((sum, scene) => sum.extend(scene.bounds), L.latLngBounds([]));
  const widest = Math.max(...content.scenes.map(scene => scene.bounds.getEast() - scene.bounds.getWest()));
  return all.getEast() - all.getWest() > 12 * widest ? (mines[0]?.scene ?? content.scenes[0]).bounds : all;
}

fillHead();
find("#scenes").hidden = content.scenes.length < 2;
find("#scenes ul").append(...content.scenes.map(sceneEntry));
find("#filters").hidden = find("#list").hidden = !mines.length;
fillFilters();
find("#more").addEventListener("click", more);
map.fitBounds(firstView(), {animate: false, padding: [10, 10]});
apply();
sharpenAll();
const asked = readAddress();
if (asked) open(asked);
})();

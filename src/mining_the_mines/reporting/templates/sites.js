(() => {
"use strict";

const {
  phone, data, grouped, hectares, count, title, element, find, sharpen, show, addSigns, unseen, key, surroundings,
  createMap, baseTiles,
} = MapBase;
const {
  periods, regions, sites, rows, statuses, NEW, NOT_SEEN, CANDIDATE, siteOf, rowsOf, byId, rowOf, outline, areaOf, counts,
  total, barsOf,
} = SiteSeries;
const {swatch, addressOf, headline} = SiteCard;
const content = data("data");
/** Entries of a list that are made at once. */
const ENTRIES = 100;
/** Milliseconds that a period is shown for while the series plays. */
const BEAT = 1200;

statuses.forEach(({name, colour}) => document.documentElement.style.setProperty(`--${name}`, colour));

// ---- state ----------------------------------------------------------------------------------------------------

const last = periods.length - 1;
let period = last;
/** The period left of the swipe; null without one. */
let before = null;
let share = 0.5;
let opened = null;
const chosen = {statuses: new Set(statuses.keys()), confirmed: new Set([0, 1]), review: false};
let drawnRows = [];

function matches(row) {
  return chosen.statuses.has(rows.status[row]) && chosen.confirmed.has(rows.confirmed[row])
    && (!chosen.review || rows.review[row]);
}

/** Rows of each period to draw: what is new lies on top. */
function applyFilters() {
  drawnRows = rowsOf.map(some => some.filter(matches).sort((one, other) => rows.status[other] - rows.status[one]));
}

// ---- map ------------------------------------------------------------------------------------------------------

const map = createMap(content);
const photographs = L.layerGroup().addTo(map);
const places = regions.filter(({footprint}) => footprint).map(({name, footprint}) => {
  const ground = unseen(map, footprint);
  photographs.addLayer(ground);
  return {name, bounds: ground.getBounds()};
});
/** Looks of polygons: of provisional sites of each status, then of confirmed ones. */
const looks = [true, false].flatMap(dashed => statuses.map(({name, colour: shade}) => ({
  fill: shade, line: shade, weight: name === "new" ? 3 : 2, dashed, hatched: name === "not_seen",
  opacity: {not_seen: 0.9, inactive: 0}[name] ?? 0.25,
})));
const layer = new PolygonLayer(sites, 1e-5, {
  looks, outline,
  rows: shown => drawnRows[shown] ?? [],
  placeOf: row => siteOf[row],
  look: row => rows.status[row] + statuses.length * rows.confirmed[row],
  opened: shown => opened === null ? null : rowOf(opened, shown),
  words: headline,
}).addTo(map);
layer.on("pick", ({row}) => open(siteOf[row], {move: false}));
const tiles = baseTiles(content);
const overlays = {...(tiles ? {[`${key("none")}Base map`]: tiles.addTo(map)} : {}), [`${key("none")}True colour`]: photographs};
for (const [name, group] of surroundings(regions)) overlays[name] = group.addTo(map);
overlays[`${key("none")}Sites`] = layer;
L.control.layers(null, overlays, {collapsed: phone.matches}).addTo(map);
addSigns(map, places);

const pictured = {pictures: [], before: []};

/** Show the pictures of a period in a pane; those that were there go once these are drawn. */
function picture(pane, shown) {
  const old = pictured[pane];
  const found = shown === null ? [] : data(`pictures-${shown}`);
  pictured[pane] = found.map(({region, uri, bounds}) => {
    const alt = `True colour of ${regions[region].name}, ${periods[shown].name}`;
    return L.imageOverlay(uri, bounds, {pane, alt});
  });
  let missing = pictured[pane].length;
  const clear = () => old.forEach(layer => photographs.removeLayer(layer));
  if (!missing || !map.hasLayer(photographs)) clear();
  for (const made of pictured[pane]) {
    made.on("load error", () => {
      missing -= 1;
      if (!missing) clear();
      sharpenAll();
    });
    photographs.addLayer(made);
  }
}

function sharpenAll() {
  sharpen(map, photographs.getLayers());
}

/** Cut the pictures at the swipe. */
function clip() {
  const size = map.getSize();
  const corner = map.containerPointToLayerPoint([0, 0]);
  const edge = share * size.x;
  const cut = (pane, from, to) => {
    const [left, right, top, bottom] = [corner.x + from, corner.x + to, corner.y - size.y, corner.y + 2 * size.y];
    const path = `polygon(${left}px ${top}px, ${right}px ${top}px, ${right}px ${bottom}px, ${left}px ${bottom}px)`;
    map.getPane(pane).style.clipPath = before === null ? "" : path;
  };
  cut("before", -size.x, edge);
  cut("pictures", edge, 2 * size.x);
  find("#swipe").hidden = before === null;
  find("#swipe").style.left = `${100 * share}%`;
  find("#swipe .handle").setAttribute("aria-valuenow", String(Math.round(100 * share)));
}

map.on("zoomend", sharpenAll);
map.on("move zoom resize", clip);

// ---- the opened site ------------------------------------------------------------------------------------------

function boundsOf(site) {
  const reach = sites.reach[site] * 1e-5, east = sites.longitude[site] * 1e-5, north = sites.latitude[site] * 1e-5;
  return L.latLngBounds([[north - reach, east - reach], [north + reach, east + reach]]);
}

/** The site of the page's address, however a mail program has written it. */
function readAddress() {
  const [, id] = /^#site=(.+)$/.exec(location.hash) ?? [];
  try {
    return id === undefined ? null : byId.get(decodeURIComponent(id)) ?? null;
  } catch {
    return null;
  }
}

function fillCard() {
  find("#site").hidden = opened === null;
  find("#site").replaceChildren(...(opened === null ? [] : SiteCard.draw(opened, period, choose, close)));
}

function open(site, {move = true, focus = false} = {}) {
  opened = site;
  fillCard();
  if (move) map.fitBounds(boundsOf(site).pad(1.5), {maxZoom: 15, animate: false});
  layer.redraw();
  mark();
  if (location.hash !== addressOf(site)) history.replaceState(null, "", addressOf(site));
  find("#site").scrollIntoView({block: "nearest"});
  if (focus) find("#site-title").focus({preventScroll: true});
}

function close() {
  opened = null;
  fillCard();
  layer.redraw();
  mark();
  if (location.hash.startsWith("#site=")) history.replaceState(null, "", location.pathname + location.search);
}

document.addEventListener("keydown", event => { if (event.key === "Escape" && opened !== null) close(); });
window.addEventListener("hashchange", () => {
  const site = readAddress();
  if (site !== null && site !== opened) open(site, {focus: true});
});

// ---- panel ----------------------------------------------------------------------------------------------------

let fresh = [];

function entry(row) {
  const site = siteOf[row];
  const words = [rows.confirmed[row] ? "confirmed" : "provisional"];
  if (regions.length > 1) words.push(title(regions[sites.region[site]].name));
  const review = rows.review?.[row] ? element("span", {class: "alarm"}, "review · ") : null;
  const button = element("button", {type: "button", onclick: () => open(site, {focus: true})},
    swatch(row),
    element("span", {class: "what"}, sites.id[site], element("small", {}, review, words.join(" · "))),
    element("span", {class: "area"}, hectares(areaOf(row))));
  button.site = site;
  return element("li", {}, button);
}

function mark() {
  for (const button of document.querySelectorAll("#new li button")) {
    button.setAttribute("aria-current", String(button.site === opened));
  }
}

function more() {
  const list = find("#new ol"), from = list.children.length;
  list.append(...fresh.slice(from, from + ENTRIES).map(entry));
  find("#more").hidden = list.children.length >= fresh.length;
  mark();
}

function fillNew() {
  fresh = (drawnRows[period] ?? []).filter(row => rows.status[row] === NEW);
  fresh.sort((one, other) => (rows.review?.[other] ?? 0) - (rows.review?.[one] ?? 0) || areaOf(other) - areaOf(one));
  find("#new-title").textContent = `New in ${periods[period]?.name ?? "the series"}`;
  find("#none").hidden = fresh.length > 0;
  find("#new ol").replaceChildren();
  more();
}

function fillSummary() {
  const found = rowsOf[period] ?? [], some = found.filter(counts);
  const waiting = found.filter(row => rows.status[row] === CANDIDATE).length;
  const started = some.filter(row => rows.status[row] === NEW);
  const hidden = some.filter(row => rows.status[row] === NOT_SEEN).length;
  const doubtful = some.filter(row => !rows.confirmed[row]).length;
  const began = `${count(started.length, "new site")} of ${hectares(total(started))}`;
  const clauses = [started.length ? began : "no new site"];
  clauses.push(`${count(some.length, "site")} of ${hectares(total(some))} in all`);
  if (doubtful) clauses.push(`${grouped(String(doubtful))} provisional`);
  if (hidden) clauses.push(`${grouped(String(hidden))} not seen`);
  if (waiting) clauses.push(`${grouped(String(waiting))} waiting for a second look`);
  const name = periods[period]?.name ?? "No period";
  find("#summary").textContent = found.length ? `${name}: ${clauses.join("; ")}.` : `${name}: no site was found.`;
  const seen = periods.length ? data(`pictures-${period}`).length : 0;
  const lacking = places.length - seen;
  find("#unseen-regions").hidden = !lacking;
  find("#unseen-regions").textContent = places.length === 1
    ? "Nothing could be seen in this period." : `Nothing could be seen in ${count(lacking, "region")} in this period.`;
}

function fillCounts() {
  const some = rowsOf[period] ?? [];
  const put = (selector, counted) => find(selector).textContent = grouped(String(some.filter(counted).length));
  statuses.forEach(({name}, at) => put(`#status-${name} .number`, row => rows.status[row] === at));
  [0, 1].forEach(at => put(`#confirmed-${at} .number`, row => rows.confirmed[row] === at));
  if (rows.review) put("#review-only .number", row => rows.review[row]);
}

function box(id, swatchClass, name, change) {
  const input = element("input", {type: "checkbox", checked: "", onchange: () => {
    change(input.checked);
    applyFilters();
    layer.redraw();
    fillNew();
  }});
  const key = swatchClass ? element("span", {class: `swatch status ${swatchClass}`}) : null;
  return element("label", {id}, input, key, name, element("span", {class: "number"}));
}

function fillFilters() {
  const toggle = (set, value) => checked => set[checked ? "add" : "delete"](value);
  find("#statuses").append(...statuses.map(({name, title: words}, at) =>
    box(`status-${name}`, name, words, toggle(chosen.statuses, at))));
  find("#certainty").append(
    box("confirmed-1", "plain", "Confirmed", toggle(chosen.confirmed, 1)),
    box("confirmed-0", "plain provisional", "Provisional (dashed, or hollow)", toggle(chosen.confirmed, 0)));
  if (!rows.review) return;
  const review = box("review-only", "", "Only sites to be reviewed", checked => { chosen.review = checked; });
  review.querySelector("input").checked = false;
  find("#certainty").append(review);
}

function fillRegions() {
  find("#regions").hidden = places.length < 2;
  const select = find("#regions select");
  select.append(...places.map(({name}, at) => element("option", {value: String(at)}, title(name))));
  const chosenView = () => select.value === "" ? firstView() : places[Number(select.value)].bounds;
  select.addEventListener("change", () => show(map, chosenView()));
}

/** Open the site with an id, else the first one whose id holds the text. */
function search(text) {
  const wanted = text.trim();
  const site = byId.get(wanted) ?? sites.id.findIndex(id => id.includes(wanted));
  const missing = !wanted || site < 0;
  find("#no-match").textContent = wanted && missing ? "No site has this id." : "";
  if (!missing) open(site, {focus: true});
}

function firstView() {
  const all = L.latLngBounds([]);
  places.forEach(({bounds}) => all.extend(bounds));
  if (!all.isValid()) sites.id.forEach((_, site) => all.extend(boundsOf(site)));
  return all.isValid() ? all : L.latLngBounds([[-60, -170], [70, 170]]);
}

// ---- time -----------------------------------------------------------------------------------------------------

const slider = find("#slider");
let playing = null;

function update() {
  layer.show(period, before, share);
  clip();
  fillSummary();
  fillCounts();
  fillNew();
  if (opened !== null) fillCard();
  find("#chart").replaceChildren(SiteChart.draw(allBars, period, choose));
  slider.value = String(period);
  slider.setAttribute("aria-valuetext", periods[period].name);
  find("#period").textContent = periods[period].name;
  find("#days").textContent = periods[period].days;
  find("#swipe .right").textContent = periods[period].name;
  find("#swipe .left").textContent = before === null ? "" : periods[before].name;
  document.querySelectorAll("#ticks button").forEach((tick, at) => tick.classList.toggle("current", at === period));
}

function choose(next) {
  if (next === period) return;
  period = next;
  picture("pictures", period);
  update();
}

function compare(next) {
  before = next;
  picture("before", before);
  update();
}

function play(start) {
  clearInterval(playing);
  playing = null;
  if (start) {
    if (period === last) choose(0);
    playing = setInterval(() => period === last ? play(false) : choose(period + 1), BEAT);
  }
  find("#play").setAttribute("aria-pressed", String(playing !== null));
  find("#play").setAttribute("aria-label", playing === null ? "Play the periods" : "Pause");
  find("#play").classList.toggle("playing", playing !== null);
}

function swipeTo(next) {
  share = Math.min(0.98, Math.max(0.02, next));
  layer.show(period, before, share);
  clip();
}

/** Name as many periods along the slider as there is room for, the last one among them. */
function thinOut() {
  const ticks = [...document.querySelectorAll("#ticks button")];
  ticks.forEach(tick => tick.classList.remove("mute"));
  const widest = Math.max(...ticks.map(tick => tick.offsetWidth));
  const every = Math.max(1, Math.ceil(1.6 * widest * last / find("#ticks").offsetWidth));
  ticks.forEach((tick, at) => tick.classList.toggle("mute", (last - at) % every !== 0));
}

function fillTime() {
  const several = periods.length > 1;
  find("#time").hidden = !periods.length;
  for (const id of ["#slider", "#play", "#compare", "#ticks"]) find(id).hidden = !several;
  slider.max = String(last);
  slider.addEventListener("input", () => { play(false); choose(Number(slider.value)); });
  find("#play").addEventListener("click", () => play(playing === null));
  find("#ticks").append(...periods.map(({name}, at) => element("button", {
    type: "button", tabindex: "-1", "--at": String(at / Math.max(1, last)), onclick: () => { play(false); choose(at); },
  }, name)));
  map.on("resize", thinOut);
  thinOut();
  const select = find("#compare select");
  select.append(...periods.map(({name}, at) => element("option", {value: String(at)}, name)));
  select.addEventListener("change", () => compare(select.value === "" ? null : Number(select.value)));
  const handle = find("#swipe .handle");
  const drag = event => {
    const frame = map.getContainer().getBoundingClientRect();
    swipeTo((event.clientX - frame.left) / frame.width);
  };
  handle.addEventListener("pointerdown", event => {
    event.preventDefault();
    handle.focus();
    handle.setPointerCapture(event.pointerId);
    handle.addEventListener("pointermove", drag);
  });
  handle.addEventListener("pointerup", () => handle.removeEventListener("pointermove", drag));
  handle.addEventListener("keydown", event => {
    const step = {ArrowLeft: -0.05, ArrowRight: 0.05}[event.key];
    if (step) {
      event.preventDefault();
      swipeTo(share + step);
    }
  });
}

const allBars = barsOf([...rows.period.keys()].filter(counts));
find("#hidden-bars").hidden = !allBars.some(({unseen}) => unseen);
fillFilters();
fillRegions();
fillTime();
applyFilters();
find("#more").addEventListener("click", more);
find("#search").addEventListener("keydown", event => { if (event.key === "Enter") search(event.target.value); });
for (const id of ["#hectares", "#places", "#filters", "#new"]) find(id).hidden = !sites.id.length;
const fit = () => map.fitBounds(firstView(), {animate: false, padding: [10, 10]});
fit();
if (periods.length) {
  picture("pictures", period);
  update();
  // The bar of periods, below the map, has its height only now.
  map.invalidateSize({pan: false});
  fit();
}
const asked = readAddress();
if (asked !== null) open(asked);
})();

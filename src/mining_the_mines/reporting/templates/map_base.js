/** The map, its words and its geometry: shared by the pages with a web map. */
const MapBase = (() => {
"use strict";

const style = getComputedStyle(document.documentElement);
const NARROW_SPACE = "\u202f", DASH = "\u2013";
/** Below this zoom, coastlines are as exact as the screen; above, they would only mislead. */
const COAST_ZOOM = 7;
/** Panes of the map, from below; none takes clicks. */
const PANES = {coast: 220, unseen: 240, before: 249, pictures: 250, probability: 300, polygons: 420};
/** Places smaller than this on the screen are marked by name. */
const SMALL_PLACE = 40;
const phone = matchMedia("(max-width: 700px)");
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Data of the page by the id of their element, parsed when they are first asked for. */
const parsed = new Map();
function data(id) {
  if (!parsed.has(id)) parsed.set(id, JSON.parse(document.getElementById(id).textContent));
  return parsed.get(id);
}

// ---- words ----------------------------------------------------------------------------------------------------

function grouped(text) {
  return text.replace(/\B(?=(\d{3})+(?!\d))/g, NARROW_SPACE);
}

/** Hectares: hundredths below one, tenths below a hundred. */
function hectares(area) {
  const digits = area < 0.995 ? 2 : area < 99.95 ? 1 : 0;
  const [whole, decimals] = area.toFixed(digits).split(".");
  return grouped(whole) + (decimals ? "." + decimals : "") + NARROW_SPACE + "ha";
}

function count(number, noun) {
  return `${grouped(String(number))} ${noun}${number === 1 ? "" : "s"}`;
}

function degrees(value, positive, negative, digits) {
  return `${Math.abs(value).toFixed(digits)}° ${value < 0 ? negative : positive}`;
}

function place(latitude, longitude, digits) {
  const turned = ((longitude + 180) % 360 + 360) % 360 - 180;
  return `${degrees(latitude, "N", "S", digits)}, ${degrees(turned, "E", "W", digits)}`;
}

function title(name) {
  return name.replaceAll("_", " ");
}

/** An element with attributes and children; text is only ever text. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("--")) made.style.setProperty(name, value);
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children.filter(child => child !== null));
  return made;
}

/** Leaflet takes some texts as HTML. */
function escaped(text) {
  return element("span", {}, text).innerHTML;
}

function find(selector) {
  return document.querySelector(selector);
}

// ---- geometry -------------------------------------------------------------------------------------------------

/** Latitudes and longitudes of a ring that was written as steps in millionths of a degree. */
function ring(steps) {
  const points = [];
  let east = 0, north = 0;
  for (let at = 0; at < steps.length; at += 2) {
    east += steps[at];
    north += steps[at + 1];
    points.push([north / 1e6, east / 1e6]);
  }
  return points;
}

function drawPolygon(polygon, options) {
  return L.polygon(polygon.map(part => part.map(ring)), options);
}

function screenWidth(map, bounds) {
  return Math.abs(map.project(bounds.getNorthEast()).x - map.project(bounds.getSouthWest()).x);
}

// ---- map ------------------------------------------------------------------------------------------------------

function colour(name) {
  return style.getPropertyValue(`--${name}`).trim();
}

/** Pixels that are larger than those of the screen are shown as they are: a blur would hide how coarse they are. */
function sharpen(map, layers) {
  for (const layer of layers.filter(found => found instanceof L.ImageOverlay)) {
    const image = layer.getElement();
    if (!image?.naturalWidth) continue;
    image.classList.toggle("enlarged", screenWidth(map, layer.getBounds()) > 2 * image.naturalWidth);
  }
}

function show(map, bounds) {
  map.fitBounds(bounds, {padding: [24, 24], animate: !calm});
}

/** Signs with the names of places that are too small on the screen to be seen. */
function addSigns(map, places) {
  const signs = places.map(({name, bounds}) => {
    const sign = L.circleMarker(bounds.getCenter(), {
      radius: 7, color: colour("paper"), weight: 2, fillColor: colour("blue"), fillOpacity: 1,
      bubblingMouseEvents: false,
    });
    sign.bindTooltip(element("span", {}, title(name)), {
      permanent: true, direction: "top", className: "scene-label", offset: [0, -6],
    });
    sign.on("click", () => show(map, bounds));
    return sign;
  });
  map.on("zoomend", () => places.forEach(({bounds}, number) => {
    const small = screenWidth(map, bounds) < SMALL_PLACE;
    if (small !== map.hasLayer(signs[number])) small ? signs[number].addTo(map) : signs[number].remove();
  }));
}

function drawCoast({scale: [wide, high], arcs}) {
  const lines = arcs.flatMap(arc => {
    let east = 0, north = 0;
    const parts = [[]];
    for (const [right, up] of arc) {
      // A coast goes on at the map's other side where it crosses the antimeridian.
      if (parts.at(-1).length && Math.abs(right * wide) > 180) parts.push([]);
      parts.at(-1).push([(north += up) * high, (east += right) * wide]);
    }
    return parts;
  });
  const options = {pane: "coast", renderer: L.canvas({pane: "coast"}), color: colour("coast"), weight: 1};
  return L.polyline(lines, {...options, interactive: false});
}

/** An element of a drawing. */
function drawn(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** The hatching of what was not seen, which maps and charts share. */
function addHatching() {
  const tile = {id: "hatching", width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)"};
  const pattern = drawn("pattern", tile,
    drawn("rect", {width: 8, height: 8, class: "hatch-ground"}),
    drawn("rect", {width: 4, height: 8, class: "hatch-line"}));
  const holder = {width: 0, height: 0, class: "defs", "aria-hidden": "true"};
  find("body").append(drawn("svg", holder, drawn("defs", {}, pattern)));
}

/** Hatched ground of a scene: it shows where the picture above has no data. */
function unseen(map, footprint) {
  map.hatched ??= L.svg({pane: "unseen"});
  return drawPolygon(footprint, {
    pane: "unseen", renderer: map.hatched, className: "unseen", stroke: false, fillOpacity: 1, interactive: false,
  });
}

/** What a name in the list of layers starts with: how the layer is drawn. */
function key(kind) {
  return `<span class="keys ${kind}"></span>`;
}

/** Names and groups of polygons around places: known mines, concessions and protected areas, where those were given. */
function surroundings(places) {
  const kinds = {
    reference: ["Known mine", "Known mines", {weight: 2, dashArray: "5 4", fillOpacity: 0}],
    concession: ["Concession", "Concessions", {weight: 2, dashArray: "10 4 2 4", fillOpacity: 0}],
    protected: ["Protected area", "Protected areas", {weight: 2, fillOpacity: 0.13}],
  };
  return Object.entries(kinds).filter(([kind]) => places.some(found => found[kind])).map(([kind, [noun, nouns, look]]) => {
    const group = L.featureGroup();
    for (const {name, polygon} of places.flatMap(found => found[kind] ?? [])) {
      const layer = drawPolygon(polygon, {...look, color: colour(kind)});
      layer.bindTooltip(element("span", {}, name ? `${noun}: ${name}` : noun), {sticky: true, className: "surroundings"});
      group.addLayer(layer);
    }
    return [key(kind) + nouns, group];
  });
}

/** A map without layers, but with its panes, coastlines, scale and the place of the cursor. */
function createMap({attribution, coastlines}) {
  const map = L.map("map", {
    renderer: L.canvas({padding: 0.3, tolerance: 4}),
    zoomSnap: 0.25,
    maxZoom: 19,
    zoomAnimation: !calm,
    fadeAnimation: !calm,
    markerZoomAnimation: !calm,
  });
  map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
  if (attribution) map.attributionControl.addAttribution(escaped(attribution));
  L.control.scale({imperial: false, maxWidth: 140}).addTo(map);
  for (const [pane, height] of Object.entries(PANES)) {
    map.createPane(pane).style.cssText = `z-index: ${height}; pointer-events: none`;
  }
  addHatching();
  const coast = drawCoast(coastlines);
  map.on("zoomend", () => {
    const far = map.getZoom() < COAST_ZOOM;
    if (far !== map.hasLayer(coast)) far ? coast.addTo(map) : coast.remove();
  });
  const cursor = L.control({position: "bottomright"});
  cursor.onAdd = () => element("div", {class: "coordinates", hidden: ""});
  cursor.addTo(map);
  map.on("mousemove", event => {
    cursor.getContainer().hidden = false;
    cursor.getContainer().textContent = place(event.latlng.lat, event.latlng.lng, 5);
  });
  map.on("mouseout", () => { cursor.getContainer().hidden = true; });
  return map;
}

/** The tiles of the base map; null without an address of tiles. */
function baseTiles({tiles}) {
  if (!tiles) return null;
  const {url, attribution, maximumZoom} = tiles;
  return L.tileLayer(url, {attribution: escaped(attribution), maxNativeZoom: maximumZoom, maxZoom: 19});
}

return {
  NARROW_SPACE, DASH, phone, calm, data, grouped, hectares, count, degrees, place, title, element, drawn, escaped, find, ring,
  drawPolygon, colour, sharpen, show, addSigns, unseen, key, surroundings, createMap, baseTiles,
};
})();

"use strict";
// Takes the server's part in a page that is one file: places and pictures lie in it, answers in the browser's storage.
window.staticReview = setup => {
  const places = setup.places, key = `review ${setup.review}`;
  let held = { answers: [] };
  try { held = JSON.parse(localStorage.getItem(key)) || held; } catch { /* nothing is stored */ }
  const keep = () => {
    try {
      localStorage.setItem(key, JSON.stringify(held));
    } catch {
      throw new Error("This browser stores nothing: save your answers with E before you close the page.");
    }
  };
  const standing = reviewer => [...new Map(held.answers.filter(each => each.reviewer === reviewer).map(each => [each.place_id, each])).values()];
  const work = async reviewer => {
    const mine = standing(reviewer), done = new Set(mine.map(each => each.place_id));
    const left = places.filter(place => !done.has(place.place_id));
    const last = mine.sort((a, b) => a.answered_at < b.answered_at ? -1 : 1).at(-1);
    return {
      done: places.length - left.length, total: places.length, place: left[0] || null, ahead: [],
      last: last ? { ...last, number: places.find(place => place.place_id === last.place_id).number } : null,
    };
  };
  return {
    work,
    async answer(given) {
      const place = places.find(each => each.place_id === given.place_id);
      const { region, period, longitude, latitude, images } = place;
      held.answers.push({ ...given, region, period, longitude, latitude, images, blind: true, origin: "static", answered_at: new Date().toISOString() });
      keep();
      return work(given.reviewer);
    },
    async undo(reviewer) {
      const last = (await work(reviewer)).last;
      held.answers = held.answers.filter(each => each.answer_id !== last.answer_id);
      keep();
      return work(reviewer);
    },
    save(reviewer) {
      const link = document.createElement("a");
      const newest = [...new Map(held.answers.map(each => [`${each.reviewer} ${each.place_id}`, each])).values()];
      link.href = URL.createObjectURL(new Blob([JSON.stringify({ answers: newest }, null, 1)], { type: "application/json" }));
      link.download = `answers ${reviewer.replace(/[^\p{L}\p{N}]+/gu, "-")}.json`;
      link.click();
      URL.revokeObjectURL(link.href);
    },
  };
};

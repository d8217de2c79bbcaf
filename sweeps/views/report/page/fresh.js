// A page that is written anew while its sweep runs looks again, and keeps where its reader is.
const PATIENCE = 600; // seconds after which a page that nobody writes anew is left alone

function keepFresh() {
  restorePlace(); // the last page of a sweep, too, follows one that looked again
  if (!data.as_of?.every || location.protocol === "blob:" || window.top !== window) return; // nothing to look at again
  if (Date.now() / 1000 - data.as_of.at < PATIENCE) setTimeout(lookAgain, 1000 * data.as_of.every);
}

/** Loads the page anew, unless somebody is in the middle of something. */
function lookAgain() {
  const isBusy = document.hidden || String(getSelection()) || document.activeElement?.tagName === "SELECT" || !$("tip").hidden;
  if (isBusy) return setTimeout(lookAgain, 1000);
  history.replaceState(place(), "");
  location.reload();
}

const place = () => ({
  left: scrollX, top: scrollY, focus: document.activeElement?.id ?? "",
  open: [...document.querySelectorAll("details")].flatMap((node, i) => (node.open ? [i] : [])),
});

function restorePlace() {
  const kept = history.state;
  if (!kept?.open) return;
  document.querySelectorAll("details").forEach((node, i) => { node.open = kept.open.includes(i); });
  scrollTo(kept.left, kept.top);
  if (kept.focus) $(kept.focus)?.focus({ preventScroll: true });
  history.replaceState(null, "");
}

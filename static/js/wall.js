/* The clock of a screen on a wall, by the server's time. Written for Chromium 86. */
(function () {
  "use strict";

  var meta = document.querySelector('meta[name="now"]'), clock = document.querySelector("[data-clock]");
  var skew = meta ? Number(meta.content) * 1000 - Date.now() : 0, day = null;

  function two(number) { return (number < 10 ? "0" : "") + number; }

  function tick() {
    var now = new Date(Date.now() + skew + 8 * 3600000); // the town's time, whatever the screen's is set to
    clock.textContent = two(now.getUTCHours()) + ":" + two(now.getUTCMinutes());
    if (day !== null && day !== now.getUTCDate()) { window.location.reload(); }
    day = now.getUTCDate();
  }

  if (clock) { tick(); window.setInterval(tick, 1000); }
}());

/* The little behaviour the pages have of their own. Every page works without it; with it, times stay true, a lost
   connection is said, photos are seen before they are sent. Written for Chromium 86. */
(function () {
  "use strict";

  var MINUTE = 60, HOUR = 3600, DAY = 86400, SOON = 2 * HOUR, SOON_SHARE = 5;

  function each(selector, root, act) {
    Array.prototype.forEach.call((root || document).querySelectorAll(selector), act);
  }

  function make(tag, attributes, text) {
    var node = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { node.setAttribute(name, attributes[name]); });
    if (text) { node.textContent = text; }
    return node;
  }

  /* ---- Times: the same words as command_room/templatetags/look.py ---------------------------------------------- */

  function span(seconds) {
    var rest = Math.floor(Math.abs(seconds));
    var days = Math.floor(rest / DAY), hours = Math.floor(rest % DAY / HOUR), minutes = Math.floor(rest % HOUR / MINUTE);
    if (days >= 3 || (days && !hours)) { return days + " 天"; }
    if (days) { return days + " 天 " + hours + " 小时"; }
    if (hours) { return hours + " 小时" + (minutes ? " " + minutes + " 分" : ""); }
    return minutes ? minutes + " 分钟" : "不到 1 分钟";
  }

  function tone(due, now, since) {
    if (due < now) { return "late"; }
    return due - now < SOON || (since && due - now < (due - since) / SOON_SHARE) ? "soon" : "ok";
  }

  function words(due, label, now) {
    return due < now ? label + "超期 " + span(due - now) : "还剩 " + span(due - now) + label;
  }

  var skew = 0; // seconds the server is ahead of this device, from the page's own <meta name="now">

  function refreshDue() {
    var now = Date.now() / 1000 + skew;
    each("[data-due]", document, function (node) {
      var due = Number(node.dataset.due), state = node.dataset.tone || tone(due, now, Number(node.dataset.since));
      var text = words(due, node.dataset.label || "", now), line = node.querySelector("b");
      if (line && line.textContent !== text) { line.textContent = text; }
      if (!node.classList.contains(state)) { recolour(node, state); }
    });
  }

  function recolour(node, state) {
    var ends = node.querySelector("b + span"), card = node.closest(".slip, .act");
    node.classList.remove("late", "soon", "ok", "idle");
    node.classList.add(state);
    if (ends && state === "late") { ends.textContent = ends.textContent.replace(" 前）", " 到期）"); }
    if (card && !node.dataset.tone) {
      card.classList.remove("late", "soon", "ok", "idle");
      card.classList.add(state);
    }
  }

  /* ---- Connection ---------------------------------------------------------------------------------------------- */

  function lost(isLost) {
    var banner = document.getElementById("lost"), since = banner && banner.querySelector("[data-lost-since]");
    if (!banner || banner.hidden === !isLost) { return; }
    if (isLost && since) { since.textContent = new Date().toTimeString().slice(0, 5); }
    banner.hidden = !isLost;
  }

  function wireHtmx() {
    var csrf = document.querySelector('meta[name="csrf"]'), body = document.body;
    body.addEventListener("htmx:configRequest", function (event) {
      var node = event.detail.elt;
      if (csrf && event.detail.verb !== "get") { event.detail.headers["X-CSRFToken"] = csrf.content; }
      if (node.dataset.etag) { event.detail.headers["If-None-Match"] = node.dataset.etag; }
    });
    body.addEventListener("htmx:beforeRequest", function (event) {
      if (document.hidden && "poll" in event.detail.elt.dataset) { event.preventDefault(); }
    });
    body.addEventListener("htmx:beforeSwap", function (event) {
      var xhr = event.detail.xhr, etag = xhr.getResponseHeader("ETag"), node = event.detail.requestConfig.elt;
      if (/\/login\//.test(xhr.responseURL || "")) {
        event.detail.shouldSwap = false;
        window.location.reload(); // the session has ended: the whole page asks for it, not a corner
      }
      if (etag && "etag" in node.dataset) { node.dataset.etag = etag; }
      remember(event.detail.target);
    });
    body.addEventListener("htmx:afterSettle", function (event) {
      showChanged(event.detail.target);
      wire(event.detail.elt);
      refreshDue();
      countTicked();
    });
    body.addEventListener("htmx:afterRequest", function (event) { if (event.detail.successful) { lost(false); } });
    ["htmx:sendError", "htmx:timeout"].forEach(function (name) {
      body.addEventListener(name, function () { lost(true); });
    });
    body.addEventListener("htmx:responseError", function (event) { if (event.detail.xhr.status >= 500) { lost(true); } });
    window.addEventListener("offline", function () { lost(true); });
    window.addEventListener("online", function () { lost(false); });
  }

  /* ---- A short fade of what changed: elements with data-key whose data-state is not what it was ------------------ */

  var before = {};

  function remember(root) {
    before = {};
    each("[data-key]", root, function (node) { before[node.dataset.key] = node.dataset.state || ""; });
  }

  function showChanged(root) {
    if (!Object.keys(before).length || !root) { return; }
    each("[data-key]", document, function (node) {
      if (before[node.dataset.key] !== (node.dataset.state || "")) { node.classList.add("changed"); }
    });
    before = {};
  }

  /* ---- One press, one request ------------------------------------------------------------------------------------ */

  function onSubmit(event) {
    var form = event.target, button = event.submitter || form.querySelector("button:not([type=button])");
    if (form.method !== "post" || event.defaultPrevented || "download" in form.dataset) { return; } // the page stays
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    if (button && !form.hasAttribute("hx-post")) {
      button.setAttribute("aria-disabled", "true");
      button.dataset.words = button.textContent;
      if (button.classList.contains("btn")) { button.textContent = "正在提交…"; }
    }
  }

  function release() {
    each("form[data-sent]", document, function (form) { delete form.dataset.sent; });
    each("[data-words]", document, function (button) {
      button.textContent = button.dataset.words;
      button.removeAttribute("aria-disabled");
    });
  }

  /* ---- Menus: close when one looks elsewhere -------------------------------------------------------------------- */

  function closeMenus(event) {
    each("details.menu[open]", document, function (menu) {
      if (event.type === "keydown" || !menu.contains(event.target)) {
        menu.open = false;
        if (event.type === "keydown") { menu.querySelector("summary").focus(); }
      }
    });
  }

  /* ---- Search: "/" goes to the box; what a list shows now is what is kept of it ------------------------------------- */

  function seek(event) {
    var box = document.querySelector("[data-seek]") || document.getElementById("q"), at = event.target;
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !box || !box.offsetParent) { return; }
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) || at.isContentEditable) { return; }
    event.preventDefault();
    box.focus();
    box.select();
  }

  function keepQuery(form) {
    form.addEventListener("submit", function () {
      var query = window.location.search.slice(1), field = form.querySelector("input[name=query]");
      if (query && field) { field.value = query; } // htmx has changed the address, and not this form
    });
  }

  /* ---- Photos: shown before they are sent, gathered over several takes, at most data-max ---------------------------- */

  function pick(box) {
    var input = box.querySelector("input[type=file]"), max = Number(box.dataset.max || 9), unit = box.dataset.unit || " 张", files = [];
    if (!input || typeof DataTransfer !== "function") { return; }
    var shown = make("ul", { class: "chosen", "aria-label": "已选的照片" });
    var count = make("p", { class: "count", role: "status" });
    input.parentNode.insertBefore(make("label", { class: "btn", for: input.id, "aria-hidden": "true" }, box.dataset.button || "拍照或选照片"), input.nextSibling);
    box.classList.add("is-live"); // the browser's own "no file chosen" gives way to the list below
    box.appendChild(shown);
    box.appendChild(count);

    function keep() {
      var transfer = new DataTransfer();
      files.forEach(function (file) { transfer.items.add(file); });
      input.files = transfer.files;
    }

    function tile(file, at) {
      var item = make("li"), image = make("img", { alt: "第 " + (at + 1) + " 张：" + file.name });
      var out = make("button", { type: "button", "aria-label": "去掉第 " + (at + 1) + " 张" }, "去掉");
      image.onload = function () { URL.revokeObjectURL(image.src); };
      image.onerror = function () { item.replaceChild(make("span", {}, file.name), image); };
      image.src = URL.createObjectURL(file);
      out.addEventListener("click", function () { files.splice(at, 1); draw(0); });
      item.appendChild(image);
      item.appendChild(out);
      return item;
    }

    function draw(over) {
      keep();
      shown.textContent = "";
      files.forEach(function (file, at) { shown.appendChild(tile(file, at)); });
      count.textContent = files.length ? "已选 " + files.length + unit + "，最多 " + max + unit : "";
      if (over) { count.textContent += "；多选的 " + over + unit + "没有加入"; }
      count.classList.toggle("late", over > 0);
    }

    input.addEventListener("change", function () {
      var fresh = Array.prototype.filter.call(input.files, function (file) {
        return !files.some(function (old) { return old.name === file.name && old.size === file.size && old.lastModified === file.lastModified; });
      });
      var room = Math.max(0, max - files.length);
      files = files.concat(fresh.slice(0, room));
      draw(fresh.length - Math.min(fresh.length, room));
    });
  }

  /* ---- Position: only when the reporter presses the button ---------------------------------------------------------- */

  function locate(button) {
    var targets = button.dataset.locate.split(","), says = document.getElementById(button.getAttribute("aria-describedby"));
    function say(text) { if (says) { says.textContent = text; } }
    if (!navigator.geolocation) { return; }
    button.hidden = false;
    button.addEventListener("click", function () {
      say("正在取位置…");
      navigator.geolocation.getCurrentPosition(function (found) {
        [found.coords.latitude, found.coords.longitude].forEach(function (value, at) {
          document.querySelector(targets[at]).value = value.toFixed(6);
        });
        say("已记下位置，误差约 " + Math.round(found.coords.accuracy) + " 米");
      }, function () { say("没有取到位置，写清地点就可以提交"); }, { enableHighAccuracy: true, timeout: 10000 });
    });
  }

  function printer(button) {
    button.hidden = false;
    button.addEventListener("click", function () { window.print(); });
  }

  /* ---- Ticked rows of a list ------------------------------------------------------------------------------------ */

  function countTicked(changed) {
    var boxes = document.querySelectorAll('input[form="lot-form"]'), all = document.querySelector("[data-tick-all]");
    var says = document.querySelector("[data-ticked]"), ticked = 0;
    if (!says) { return; }
    Array.prototype.forEach.call(boxes, function (box) {
      if (changed === all && all) { box.checked = all.checked; }
      box.closest("tr").classList.toggle("is-ticked", box.checked);
      ticked += box.checked ? 1 : 0;
    });
    if (all) {
      all.checked = ticked > 0 && ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
      all.closest("label").hidden = false;
    }
    says.closest(".over").classList.toggle("has-ticked", ticked > 0);
    says.textContent = ticked ? "勾选的 " + ticked + " 件" : "勾选的";
  }

  function wire(root) {
    [[".pick", pick], ["[data-locate]", locate], ["[data-print]", printer], ["[data-keeps-query]", keepQuery]].forEach(function (pair) {
      each(pair[0], root, function (node) {
        if (!node.dataset.wired) { node.dataset.wired = "1"; pair[1](node); }
      });
    });
  }

  function start() {
    var clock = document.querySelector('meta[name="now"]');
    if (clock) { skew = Number(clock.content) - Date.now() / 1000; }
    wireHtmx();
    wire(document);
    refreshDue();
    countTicked();
    document.addEventListener("change", function (event) { countTicked(event.target); });
    each("body:not(.specimens) .errors", document, function (summary, at) { if (!at) { summary.focus(); } });
    window.setInterval(refreshDue, 30000);
    document.addEventListener("submit", onSubmit);
    document.addEventListener("click", closeMenus);
    document.addEventListener("keydown", function (event) { if (event.key === "Escape") { closeMenus(event); } });
    document.addEventListener("keydown", seek);
    document.addEventListener("visibilitychange", function () { if (!document.hidden) { refreshDue(); } });
    window.addEventListener("pageshow", release);
  }

  window.portal = { span: span, tone: tone, words: words };
  if (document.readyState === "loading") { document.addEventListener("DOMContentLoaded", start); } else { start(); }
}());

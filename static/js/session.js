/* The end of a session: said two minutes before, with a button that prolongs it. When it is over, a page on which nothing
   was typed goes to the log-in; one on which something was typed keeps it, covered, until the same person is back.
   Written for Chromium 86. */
(function () {
  "use strict";

  var WARN = 120, dirty = false, timer = null, tick = null, bar = null, over = null, asked = Date.now();
  var idle = document.querySelector('meta[name="idle"]');
  if (!idle) { return; }
  var user = Number(idle.dataset.user);

  function make(tag, attributes, text) {
    var node = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { node.setAttribute(name, attributes[name]); });
    if (text) { node.textContent = text; }
    return node;
  }

  function ask(method, then) {
    asked = Date.now();
    var headers = { "Accept": "application/json" }, csrf = token();
    if (method === "GET") { headers["X-Background"] = "1"; } else { headers["X-CSRFToken"] = csrf; }
    fetch("/session/", { method: method, headers: headers, credentials: "same-origin", redirect: "manual" })
      .then(function (answer) { return answer.ok ? answer.json() : null; })
      .then(then)
      .catch(function () { plan(30); }); // the network is away, not the session
  }

  function token() {
    var field = document.querySelector("input[name=csrfmiddlewaretoken]"), meta = document.querySelector('meta[name="csrf"]');
    return meta ? meta.content : field ? field.value : "";
  }

  function renew(fresh) {
    var meta = document.querySelector('meta[name="csrf"]');
    if (meta) { meta.content = fresh; }
    Array.prototype.forEach.call(document.querySelectorAll("input[name=csrfmiddlewaretoken]"), function (field) { field.value = fresh; });
  }

  /* In which post the form was opened: another tab may act in another one by now. */
  function sayPost(form) {
    if (form.method !== "post" || !idle.dataset.post || form.querySelector("input[name=opened_as]")) { return; }
    form.appendChild(make("input", { type: "hidden", name: "opened_as", value: idle.dataset.post }));
  }

  function plan(seconds) {
    window.clearTimeout(timer);
    timer = window.setTimeout(function () { ask("GET", look); }, Math.max(1, seconds) * 1000);
  }

  function look(found) {
    if (!found) { ended(); return; }
    if (found.user !== user) { window.location.reload(); return; } // somebody else has signed in
    if (found.left <= WARN + 5) { warn(found); plan(Math.min(15, found.left + 1)); return; }
    if (bar) { bar.hidden = true; }
    plan(found.left - WARN);
  }

  function warn(found) {
    if (!bar) {
      bar = make("div", { "class": "idle-bar", role: "alert" });
      bar.appendChild(make("b"));
      var button = make("button", { type: "button" }, "继续使用");
      button.addEventListener("click", function () { ask("POST", look); });
      bar.appendChild(button);
      document.body.insertBefore(bar, document.body.firstChild);
    }
    bar.hidden = false;
    bar.querySelector("button").hidden = found.fixed;
    var end = Date.now() + found.left * 1000;
    function say() {
      var rest = Math.max(0, Math.round((end - Date.now()) / 1000));
      var when = rest > 60 ? Math.ceil(rest / 60) + " 分钟" : rest + " 秒";
      bar.querySelector("b").textContent = found.fixed
        ? "登录时间快满了，" + when + "后须重新登录。请先提交或保存正在填写的内容。"
        : "好一会儿没有操作，" + when + "后自动退出。";
    }
    window.clearInterval(tick);
    tick = window.setInterval(say, 5000);
    say();
  }

  function ended() {
    window.clearTimeout(timer);
    window.clearInterval(tick);
    if (bar) { bar.hidden = true; }
    if (!dirty) { window.location.assign(login()); return; }
    if (over) { return; }
    over = make("div", { "class": "idle-over", role: "alertdialog", "aria-labelledby": "idle-over", tabindex: "-1" });
    var box = make("div"), go = make("p", { "class": "go" }), back = make("button", { type: "button" }, "已经登录，回到填写");
    box.appendChild(make("h2", { id: "idle-over" }, "已自动退出，您填写的内容还在"));
    box.appendChild(make("p", {}, "请在新窗口里重新登录，再回到这里继续填写和提交。不要刷新或关闭这一页。"));
    go.appendChild(make("a", { href: "/login/?ended=idle", target: "_blank", rel: "noopener" }, "在新窗口登录"));
    go.appendChild(back);
    box.appendChild(go);
    over.appendChild(box);
    document.body.appendChild(over);
    over.focus();
    back.addEventListener("click", comeBack);
  }

  function comeBack() {
    ask("GET", function (found) {
      if (!found) { return; }
      if (found.user !== user) { dirty = false; window.location.reload(); return; }
      renew(found.csrf);
      over.parentNode.removeChild(over);
      over = null;
      look(found);
    });
  }

  function login() {
    return "/login/?ended=idle&next=" + encodeURIComponent(window.location.pathname + window.location.search);
  }

  document.addEventListener("input", function (event) {
    var form = event.target.form;
    if (form && form.method === "post") { dirty = true; }
  });
  document.addEventListener("submit", function (event) {
    dirty = false;
    sayPost(event.target);
  });
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) { return; }
    if (over) { comeBack(); }
    else if (Date.now() - asked > 60000) { ask("GET", look); } // a computer that slept: its timers did too
  });

  /* What a page asks for by itself says so; when such a request meets the end, what was typed stays. */
  document.addEventListener("htmx:configRequest", function (event) {
    if ("poll" in event.detail.elt.dataset) { event.detail.headers["X-Background"] = "1"; }
  });
  document.addEventListener("htmx:beforeOnLoad", function (event) {
    var xhr = event.detail.xhr, goes = xhr.getResponseHeader("HX-Redirect") || xhr.responseURL || "";
    if (dirty && /\/login\/(\?|$)/.test(goes)) { event.preventDefault(); ended(); }
  });

  plan(Number(idle.content) - WARN);
}());

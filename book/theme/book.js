// What a page does. It can be read without; nothing here moves what is drawn.
(() => {
    const script = document.currentScript;
    const { documentElement: html } = document;
    const main = document.querySelector("main");
    const all = (selector) => [...document.querySelectorAll(selector)];
    // A browser may keep nothing for a page.
    const keep = {
        get(store, key) { try { return window[store].getItem(key); } catch { return null; } },
        set(store, key, value) { try { window[store].setItem(key, value); } catch { /* it may not */ } },
    };

    // ---- Light or dark: the system's, until the reader chooses the other. ----
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const switchTheme = () => {
        const system = dark.matches ? "dark" : "light";
        const now = html.dataset.theme || system;
        const next = now === "dark" ? "light" : "dark";
        html.dataset.theme = next === system ? "" : next;
        keep.set("localStorage", "theme", html.dataset.theme);
    };
    document.getElementById("theme-button")?.addEventListener("click", switchTheme);
    addEventListener("storage", (event) => {
        if (event.key === "theme") html.dataset.theme = event.newValue ?? "";
    });

    // ---- Listings: a button to copy; those that are wider than their place can be reached by key. ----
    const copied = (pre) => {
        const commands = [...pre.querySelectorAll("kbd")].map((command) => command.textContent);
        return commands.length ? commands.join("\n") : pre.textContent;
    };
    // What a listing is called, to who hears the page: its caption, which has an id then.
    const caption = (pre) => {
        const found = pre.closest("figure, details")?.querySelector("figcaption, summary");
        if (found) found.id ||= `caption-${all("figcaption, summary").indexOf(found)}`;
        return found?.id;
    };
    const addButton = (pre) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "copy";
        button.textContent = "Copy";
        button.setAttribute("aria-live", "polite");
        const id = caption(pre);
        if (id) {
            button.setAttribute("aria-describedby", id);
            pre.closest("figure")?.setAttribute("aria-labelledby", id);
        }
        button.addEventListener("click", async () => {
            try {
                await navigator.clipboard.writeText(copied(pre));
                button.textContent = "Copied";
            } catch {
                getSelection().selectAllChildren(pre);
                button.textContent = "Selected";
            }
            setTimeout(() => { button.textContent = "Copy"; }, 2000);
        });
        pre.before(button);
    };
    // When the page is drawn and its reader has nothing else to ask of it.
    const later = window.requestIdleCallback ?? setTimeout;
    later(() => all("main pre").forEach(addButton));
    const reachable = new ResizeObserver((entries) => {
        for (const { target } of entries) {
            const scrolls = target.scrollWidth > target.clientWidth;
            const id = scrolls && caption(target);
            for (const [name, value] of [["tabindex", scrolls && 0], ["role", id && "group"], ["aria-labelledby", id]]) {
                if (value === false || value === undefined) target.removeAttribute(name);
                else target.setAttribute(name, value);
            }
        }
    });
    for (const wide of all("main pre, main .table-wrapper, main .drawing > div")) reachable.observe(wide);

    // ---- Cards. ----
    const cards = all("details.recall");
    const unfoldCards = () => {
        const open = cards.some((card) => !card.open);
        for (const card of cards) card.open = open;
    };
    // A link to what is folded unfolds it.
    const unfoldTarget = () => {
        let target = null;
        try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { /* no id */ }
        for (let at = target; at; at = at.parentElement) if (at.localName === "details") at.open = true;
        if (target?.closest("details")) target.scrollIntoView();
    };
    addEventListener("hashchange", unfoldTarget);
    unfoldTarget();

    // ---- Where one was: the section and how far below its heading. ----
    const place = "place:" + location.pathname;
    const headings = all("main :is(h1, h2)[id]");
    const remember = () => {
        const above = headings.filter((heading) => heading.getBoundingClientRect().top <= 1).at(-1);
        const ended = innerHeight + scrollY >= document.body.scrollHeight - 2;
        const at = above && !ended ? [above.id, Math.round(-above.getBoundingClientRect().top)] : null;
        const open = all("main details").flatMap((fold, n) => fold.open ? [n] : []);
        keep.set("localStorage", place, JSON.stringify({ at, open }));
    };
    const goBack = () => {
        if (location.hash) return;
        let was = null;
        try { was = JSON.parse(keep.get("localStorage", place)); } catch { /* not ours */ }
        if (!was?.at) return;
        const folds = all("main details");
        for (const n of was.open) if (folds[n]) folds[n].open = true;
        const heading = document.getElementById(was.at[0]);
        if (heading) scrollTo(0, scrollY + heading.getBoundingClientRect().top + was.at[1]);
    };
    if ("scrollRestoration" in history) history.scrollRestoration = "auto";
    goBack();
    addEventListener("pagehide", remember);
    document.addEventListener("visibilitychange", () => { if (document.hidden) remember(); });

    // ---- What a search led here for is marked, and unfolded in its section, until Escape. ----
    const words = (keep.get("sessionStorage", "found") ?? "").toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
    keep.set("sessionStorage", "found", "");
    const markFound = () => {
        if (!words.length || !window.Highlight) return;
        const found = new Highlight();
        const texts = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
        for (let node; (node = texts.nextNode());) {
            const text = node.data.toLowerCase();
            for (const word of words) {
                for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
                    found.add(new StaticRange({ startContainer: node, startOffset: at, endContainer: node, endOffset: at + word.length }));
                }
            }
        }
        CSS.highlights.set("found", found);
        const has = (element) => words.some((word) => element.textContent.toLowerCase().includes(word));
        const section = location.hash && document.getElementById(location.hash.slice(1))?.closest("section");
        for (const fold of section ? section.querySelectorAll("details") : []) fold.open ||= has(fold);
    };
    markFound();

    // ---- Search, which is fetched when it is first asked for. ----
    let searching;
    const search = () => {
        if (!script.dataset.search) return;
        searching ??= new Promise((loaded, failed) => {
            const more = document.createElement("script");
            more.src = script.dataset.search;
            more.onload = loaded;
            more.onerror = failed;
            document.head.append(more);
        });
        const dialog = document.getElementById("search");
        if (!dialog.open) dialog.showModal();
        dialog.querySelector("input").select();
        searching.then(() => window.book.search(), () => {
            searching = undefined;
            dialog.querySelector("[role=status]").textContent = "The search can't be loaded.";
        });
    };
    document.getElementById("search-button")?.addEventListener("click", search);
    window.book = { html, main, all, keep };

    // ---- Keys. ----
    const follow = (rel) => document.querySelector(`a[rel=${rel}]`)?.click();
    const keys = {
        ArrowLeft: () => follow("prev"),
        ArrowRight: () => follow("next"),
        "/": search,
        s: search,
        Escape: () => window.Highlight && CSS.highlights.delete("found"),
        t: switchTheme,
        c: unfoldCards,
    };
    document.addEventListener("keydown", (event) => {
        const { target: at } = event;
        // What is closed keeps the cursor until the page is drawn again.
        const typing = at.matches?.("input:not([type=checkbox]), textarea, select, [contenteditable]") && at.checkVisibility() ||
            document.querySelector("dialog[open]");
        // A listing that scrolls takes the arrows for itself.
        const scrolls = event.key.startsWith("Arrow") && at.matches?.("[tabindex='0']");
        if (typing || scrolls || event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
        if (Object.hasOwn(keys, event.key)) {
            event.preventDefault();
            keys[event.key]();
        }
    });
})();

// The search: mdBook's index has the text of all sections, and this looks through it.
(() => {
    const { html, keep } = window.book;
    const INDEX = new URL('{{ resource "searchindex.js" }}', document.currentScript.src);
    const root = html.dataset.root;
    const dialog = document.getElementById("search");
    const input = dialog.querySelector("input");
    const status = dialog.querySelector("[role=status]");
    const list = dialog.querySelector("ol");
    const MOST = 60;
    // What stands behind a note, where its words are many and its idea is not.
    const BEHIND = new Set(["sources", "what proves this page"]);
    let sections;

    // mdBook's index has a blank before each name of a listing: `libc:: EPOLLET`.
    const joined = (text) => text.replace(/\s+/gu, " ").replace(/ ?([^\p{L}\p{N}_\s]) ?/gu, "$1");
    const isWord = (character) => character !== undefined && /[\p{L}\p{N}_]/u.test(character);

    const load = async () => {
        window.search = {};
        await new Promise((loaded, failed) => {
            const script = document.createElement("script");
            script.src = INDEX;
            script.onload = loaded;
            script.onerror = failed;
            document.head.append(script);
        });
        const { doc_urls: urls, index } = window.search;
        sections = Object.values(index.documentStore.docs).map((doc) => {
            const url = urls[doc.id];
            return {
                url,
                page: url.split("#")[0],
                title: doc.title.trim(),
                shown: doc.body,
                heading: joined(doc.title.toLowerCase()),
                body: joined(doc.body.toLowerCase()),
            };
        });
        delete window.search;
    };

    // How often a term stands in a text: as a whole word, and at the beginning of one.
    const count = (text, term) => {
        let [whole, part] = [0, 0];
        for (let at = text.indexOf(term); at >= 0; at = text.indexOf(term, at + term.length)) {
            if (isWord(term[0]) && isWord(text[at - 1])) continue;
            if (isWord(term.at(-1)) && isWord(text[at + term.length])) part += 1;
            else whole += 1;
        }
        return whole + part / 4;
    };

    // Sections with all terms; a note's weight is what its headings and its text say of them.
    const find = (query) => {
        const terms = query.toLowerCase().split(/\s+/).map(joined).filter(Boolean);
        const notes = new Map();
        if (!terms.length) return notes;
        for (const section of sections) {
            const counts = terms.map((term) => [count(section.heading, term), count(section.body, term)]);
            const note = notes.get(section.page) ?? { hits: [], weight: 0, length: 0 };
            notes.set(section.page, note);
            note.title ??= section.title;
            note.length += section.body.length;
            if (!counts.every(([heading, body]) => heading + body > 0)) continue;
            let weight = 0;
            const title = section.title === note.title;
            for (const [heading, body] of counts) {
                weight += (title ? 12 : 6) * heading + (BEHIND.has(section.heading) ? body / 8 : body);
            }
            note.hits.push({ ...section, weight });
            note.weight += weight;
        }
        return notes;
    };

    const mark = (element, text, terms) => {
        const escaped = terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
        const pieces = text.split(new RegExp(`(${escaped.join("|")})`, "iu"));
        pieces.forEach((piece, n) => {
            if (n % 2 === 0) return element.append(piece);
            const found = document.createElement("mark");
            found.textContent = piece;
            element.append(found);
        });
    };

    // The same to look at: prose keeps its blanks, and code gets rid of the index's.
    const legible = (text) => text.replace(/\s+/g, " ").replace(/(::|[([{&|!<*]) /g, "$1").replace(/\. (?=[a-z_])/g, ".");

    const excerpt = (hit, terms) => {
        const text = legible(hit.shown);
        const at = Math.max(text.toLowerCase().indexOf(terms[0]), 0);
        const from = Math.max(text.lastIndexOf(" ", Math.max(at - 60, 0)), 0);
        const line = document.createElement("p");
        line.className = "excerpt";
        mark(line, (from ? "…" : "") + text.slice(from, at + 100) + "…", terms);
        return line;
    };

    const link = (url, text, className) => {
        const anchor = document.createElement("a");
        anchor.href = root + url;
        anchor.textContent = text;
        anchor.className = className;
        return anchor;
    };

    const show = () => {
        const query = input.value.trim();
        list.replaceChildren();
        status.textContent = "";
        if (!query || !sections) return;
        const terms = query.toLowerCase().split(/\s+/).map(joined).filter(Boolean);
        const found = [...find(query)].filter(([, note]) => note.hits.length);
        // Of two notes that say as much of it, the earlier one introduces it.
        const order = [...new Set(sections.map((section) => section.page))];
        for (const [page, note] of found) {
            note.rank = (1.4 - 0.4 * order.indexOf(page) / order.length) * note.weight / Math.sqrt(note.length);
        }
        found.sort(([, a], [, b]) => b.rank - a.rank);
        const total = found.reduce((sum, [, note]) => sum + note.hits.length, 0);
        status.textContent = total ? `${total} section${total > 1 ? "s" : ""} of ${found.length}` +
            ` page${found.length > 1 ? "s" : ""}` : `Nothing is found for “${query}”.`;
        let left = MOST;
        for (const [page, note] of found) {
            const item = document.createElement("li");
            item.append(link(page, note.title, "note"));
            const inside = document.createElement("ol");
            for (const hit of note.hits.slice(0, Math.max(left, 1))) {
                const section = document.createElement("li");
                section.append(link(hit.url, hit.title, ""), excerpt(hit, terms));
                inside.append(section);
            }
            left -= note.hits.length;
            item.append(inside);
            list.append(item);
        }
    };

    input.addEventListener("input", show);
    dialog.querySelector("form").addEventListener("submit", (event) => {
        // Enter follows the first link; the button closes.
        if (event.submitter && document.activeElement !== input) return;
        event.preventDefault();
        list.querySelector("a")?.click();
    });
    dialog.addEventListener("keydown", (event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (!step) return;
        const places = [input, ...list.querySelectorAll("a")];
        event.preventDefault();
        places[Math.max(places.indexOf(document.activeElement) + step, 0)]?.focus();
    });
    list.addEventListener("click", (event) => {
        if (!event.target.closest("a")) return;
        keep.set("sessionStorage", "found", input.value.trim());
        dialog.close();
    });

    let loading;
    window.book.search = async () => {
        try {
            await (loading ??= load());
            show();
        } catch {
            loading = undefined;
            status.textContent = "The index of the search can't be loaded; reload the page.";
        }
    };
})();

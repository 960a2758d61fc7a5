// The search: mdBook's index has the text of all sections, and this looks through it.
(() => {
    const { html, keep } = window.book;
    const INDEX = new URL('{{ resource "searchindex.js" }}', document.currentScript.src);
    const root = html.dataset.root;
    const dialog = document.getElementById("search");
    const input = dialog.querySelector("input");
    const status = dialog.querySelector("[role=status]");
    const list = dialog.querySelector("ol");
    // What stands behind a note, where its words are many and its idea is not.
    const BEHIND = new Set(["sources", "what proves this page"]);
    let sections;

    // mdBook's index has a blank before all that has a colour: `(& mut [ 0; 64])`.
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

    const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    // A part's notes are in its folder; other pages lead to them.
    const isNote = (page) => page.includes("/");

    // The note that the glossary names behind a term: `zombie A registration that … Tokens and zombies`.
    const introduces = (query, notes) => {
        const glossary = sections.find(({ page }) => page === "glossary.html");
        const titles = [...notes].filter(([page]) => isNote(page)).map(([, { title }]) => escaped(title));
        const term = `(?:^|[ ,])${escaped(query)}s?(?:, [^A-Z]+)? [A-Z].*?(${titles.join("|")})`;
        const title = glossary?.shown.replace(/\s+/g, " ").match(new RegExp(term))?.[1];
        return [...notes].find(([, note]) => note.title === title)?.[0];
    };

    // What a note begins with, behind what it needs: its plain sentence.
    const opening = (body) => body.slice(body.indexOf("minutes.")).slice(8, 170);

    // The sections with all terms, by their notes, the note first that is about them: it says them in its
    // title or its headings, in more sections than others for its length, early in the book, before all
    // others in its plain sentence, lists the type of that name, or the glossary says so.
    const find = (query) => {
        const terms = query.toLowerCase().split(/\s+/).map(joined).filter(Boolean);
        const notes = new Map();
        let opens;
        if (!terms.length) return [];
        // Of `libc::EPOLLET`, a note is about the last, and of fibers, about a fiber.
        const names = terms.map((term) => (term.split("::").at(-1) || term).replace(/(\w{3}[^s])s$/, "$1"));
        for (const section of sections) {
            const note = notes.get(section.page) ?? { title: section.title, hits: [], weight: 0, length: 0 };
            notes.set(section.page, note);
            note.length += section.body.length;
            const has = (term) => count(section.heading, term) + count(section.body, term) > 0;
            if (terms.every(has)) note.hits.push(section);
            if (!names.every(has)) continue;
            const title = section.title === note.title;
            if (title && isNote(section.page) && names.every((name) => count(opening(section.body), name) >= 1)) {
                opens ??= section.page;
            }
            for (const name of names) {
                const said = count(section.body, name);
                note.weight += (title ? 16 : 4) * count(section.heading, name);
                // Where a type is listed, it is explained.
                if (new RegExp(`\\b(struct|enum|trait) ${escaped(name)}\\b`).test(section.body)) note.weight += 8;
                // The tenth time in a section, as in its listings, says little.
                note.weight += BEHIND.has(section.heading) ? said / 8 : 4 * said / (said + 4);
            }
        }
        const introduced = introduces(query.toLowerCase(), notes);
        [...notes].forEach(([page, note], at) => {
            note.weight *= (1.8 - 0.8 * at / notes.size) / Math.sqrt(note.length);
            if (!isNote(page)) note.weight *= 0.3;
            if (page === introduced) note.weight *= 6;
            else if (page === opens) note.weight *= 1.5;
        });
        return [...notes].filter(([, note]) => note.hits.length).sort(([, a], [, b]) => b.weight - a.weight);
    };

    const mark = (element, text, terms) => {
        const pieces = text.split(new RegExp(`(${terms.map(escaped).join("|")})`, "iu"));
        pieces.forEach((piece, n) => {
            if (n % 2 === 0) return element.append(piece);
            const found = document.createElement("mark");
            found.textContent = piece;
            element.append(found);
        });
    };

    // The same to look at: prose keeps its blanks, and code gets rid of the index's.
    const legible = (text) => text.replace(/\s+/g, " ").replace(/(::|[([&*]) /g, "$1").replace(/\. (?=await\b)/g, ".");

    const excerpt = (hit, terms) => {
        const text = hit.legible ??= legible(hit.shown);
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
        const found = find(query);
        const total = found.reduce((sum, [, note]) => sum + note.hits.length, 0);
        status.textContent = total ? `${total} section${total > 1 ? "s" : ""} of ${found.length}` +
            ` page${found.length > 1 ? "s" : ""}` : `Nothing is found for “${query}”.`;
        for (const [page, note] of found) {
            const item = document.createElement("li");
            item.append(link(page, note.title, "note"));
            const inside = document.createElement("ol");
            for (const hit of note.hits) {
                const section = document.createElement("li");
                section.append(link(hit.url, hit.title, ""), excerpt(hit, terms));
                inside.append(section);
            }
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

//! The pages in a real browser. Skipped, by name, where there is none.

mod chromium;
mod reader;
mod signals;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use chromium::{Browser, Tab};
use reader::{Checkout, Reading, program};
use serde_json::{Value, json};

/// All pages of the book, as they are built.
fn pages(checkout: &Checkout) -> Vec<String> {
    let book = weave::Book::load(&checkout.root).unwrap();
    let names = book.pages.iter().map(|page| page.path.with_extension("html"));
    names.map(|name| name.display().to_string()).chain(["toc.html".into()]).collect()
}

#[test]
fn a_tab_shows_what_is_saved_and_what_is_wrong_and_outlives_the_server() {
    let Some(mut browser) = Browser::start("reload") else { return };
    let checkout = Checkout::new("in-a-tab");
    let reading = Reading::start(&checkout);
    let port = reading.port();
    let mut tab = browser.visitor();
    tab.go(&format!("http://{}/start.html", reading.addr));
    let good = checkout.read("start.md");

    checkout.edit("start.md", &format!("{good}\nA sentence of today.\n"));
    tab.until("document.querySelector('main')?.textContent.includes('A sentence of today.')");
    checkout.edit("start.md", &format!("{good}\n```ruts\n```\n"));
    tab.until("document.querySelector('[role=alert]')?.textContent.includes('unknown fence')");
    checkout.edit("start.md", &good);
    tab.until("!document.querySelector('[role=alert]')");

    reading.stop();
    checkout.edit("start.md", &format!("{good}\nA sentence of tomorrow.\n"));
    let _again = Reading::of(reader::reader(&checkout.root, port));
    tab.until("document.querySelector('main')?.textContent.includes('A sentence of tomorrow.')");
}

/// The search is asked as a reader asks, and says which pages it found, in its order.
fn found(tab: &mut Tab<'_>, words: &str) -> Vec<String> {
    tab.press("/");
    tab.until("document.getElementById('search').open");
    // What was found before is not taken for what is found now.
    let said = "document.querySelector('#search [role=status]').textContent";
    tab.eval("document.querySelector('#search input').value = ''");
    tab.eval(&format!("{said} = ''"));
    tab.type_in(words);
    tab.until(&format!("/\\d+ section|Nothing/.test({said})"));
    let links = "[...document.querySelectorAll('#search .note')].map((link) => link.pathname)";
    let found = tab.eval(links);
    tab.eval("document.getElementById('search').close()");
    found.as_array().unwrap().iter().map(|path| path.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_search_finds_every_section_that_has_a_name_and_the_note_about_it_first() {
    let Some(mut browser) = Browser::start("search") else { return };
    let checkout = Checkout::whole("searched");
    let reading = Reading::start(&checkout);
    let mut tab = browser.visitor();
    tab.go(&format!("http://{}/why/cost.html", reading.addr));
    for (words, first) in [
        ("epoll_wait", "/why/readiness.html"),
        ("EPOLLET", "/why/edges.html"),
        ("libc::EPOLLET", "/why/edges.html"),
        ("eventfd", "/small-mio/waking.html"),
        ("EPOLLEXCLUSIVE", "/small-mio/herds.html"),
        ("join!", "/what-runs/concurrency.html"),
        // Said more often elsewhere, in code.
        ("WouldBlock", "/why/edges.html"),
        ("ErrorKind::WouldBlock", "/why/edges.html"),
        ("EPOLLOUT", "/why/write-side.html"),
        ("epoll_create1", "/why/readiness.html"),
        ("MADV_GUARD_INSTALL", "/fibers/stack.html"),
        // The glossary names the note.
        ("level-triggered", "/why/readiness.html"),
        ("thundering herd", "/small-mio/herds.html"),
        // Of all whose plain sentence has it, the first.
        ("fiber", "/fibers/switch.html"),
        ("fibers", "/fibers/switch.html"),
        ("goroutine", "/what-runs/preemption.html"),
        // It lists the type.
        ("Interest", "/small-mio/wrapper.html"),
        ("Poll", "/small-mio/wrapper.html"),
        // It stands in the answer of a card alone.
        ("not the step from empty to readable", "/why/edges.html"),
    ] {
        let found = found(&mut tab, words);
        assert_eq!(found.first().map(String::as_str), Some(first), "{words}: {found:?}");
    }
    assert!(found(&mut tab, "no such word anywhere").is_empty());

    // Every page whose text has the name is found.
    let has = |page: &String| {
        let text = reading.page(&format!("/{page}"));
        let (_, main) = text.split_once("<main").unwrap();
        let (main, _) = main.split_once("</main>").unwrap();
        let mut words = main.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| word == "EPOLLET")
    };
    let mut right: Vec<String> =
        pages(&checkout).iter().filter(|page| has(page)).map(|page| format!("/{page}")).collect();
    let mut found = found(&mut tab, "EPOLLET");
    right.sort();
    found.sort();
    assert!(found.len() > 3 && found == right, "{found:?} and not {right:?}");

    // However many they are, all sections are listed.
    let listed = "document.querySelectorAll('#search ol ol a').length";
    self::found(&mut tab, "read");
    let said = tab.eval("parseInt(document.querySelector('#search [role=status]').textContent)");
    assert!(said.as_u64().unwrap() > 100 && tab.eval(listed) == said, "{said} sections");
    self::found(&mut tab, "EPOLLET");

    // Enter follows the first; its words are marked there.
    tab.press("/");
    let input = "document.querySelector('#search input')";
    tab.until(&format!("{input}.selectionEnd === 7 && document.activeElement === {input}"));
    tab.type_in("EPOLLONESHOT");
    tab.until(&format!("{input}.value === 'EPOLLONESHOT'"));
    tab.press("Enter");
    tab.until(
        "location.pathname === '/small-mio/herds.html' && CSS.highlights.get('found')?.size > 0",
    );
}

#[test]
fn keys_turn_pages_and_unfold_cards_and_a_page_remembers_where_one_was() {
    let Some(mut browser) = Browser::start("keys") else { return };
    let checkout = Checkout::whole("keys");
    let reading = Reading::start(&checkout);
    let mut tab = browser.visitor();
    let page = format!("http://{}/why/edges.html", reading.addr);
    tab.system_is("light");
    tab.go(&page);
    let background = "getComputedStyle(document.documentElement).backgroundColor";
    let light = tab.eval(background);
    tab.system_is("dark");
    tab.until(&format!("{background} !== {light}"));
    tab.press("t");
    tab.until(&format!("{background} === {light}"));
    tab.go(&format!("http://{}/why/model.html", reading.addr));
    assert_eq!(tab.eval(background), light, "the choice holds on other pages");
    tab.press("t");
    tab.until(&format!("{background} !== {light}"));

    tab.press("ArrowLeft");
    tab.until("location.pathname === '/why/edges.html' && document.readyState === 'complete'");
    let open = "document.querySelectorAll('details.recall[open]').length";
    assert_eq!(tab.eval(open), 0);
    tab.press("c");
    tab.until(&format!("{open} === document.querySelectorAll('details.recall').length"));
    tab.press("c");
    tab.until(&format!("{open} === 0"));

    tab.eval("document.getElementById('objections').scrollIntoView()");
    let place = "Math.round(document.getElementById('objections').getBoundingClientRect().top)";
    let was = tab.eval(place);
    tab.press("ArrowRight");
    tab.until("location.pathname === '/why/model.html' && document.readyState === 'complete'");
    tab.go(&page);
    tab.until("scrollY > 1000");
    let now = tab.eval(place);
    assert!((now.as_i64().unwrap() - was.as_i64().unwrap()).abs() <= 2, "{now} and not {was}");
}

/// Answers six cards of the page *recall* in a document, one after the other.
const ANSWERS: &str = "async (doc) => {
    const until = async (is) => {
        for (let n = 0; n < 2000; n++) {
            const found = is();
            if (found) return found;
            await new Promise((done) => setTimeout(done, 10));
        }
        throw new Error('it never is so: ' + is + doc.body.innerText.slice(0, 300));
    };
    let last;
    for (let n = 0; n < 6; n++) {
        const asked = () => doc.querySelector('.own-asked details.recall');
        const card = await until(() => asked() && asked() !== last && asked());
        card.open = true;
        [...card.querySelectorAll('.own-grades button')][2].click();
        last = card;
    }
    await until(() => doc.querySelector('.own-asked details.recall') !== last);
    return true;
}";

/// In the repository itself, as it builds what schedules; with a log elsewhere.
#[test]
fn two_pages_and_a_terminal_at_once_lose_no_grade() {
    let Some(mut browser) = Browser::start("at-once") else { return };
    let (root, dir) = (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::tempdir().unwrap());
    let log = dir.path().join("log");
    let ours = |mut program: std::process::Command| {
        program.env("BOOK_LOG", &log).env("BOOK_TODAY", "2026-11-26");
        program
    };
    // Cards are asked on the page once they are due.
    let mut terminal = ours(program(root));
    terminal.args(["recall", "--all", "--new", "40"]).stdin(Stdio::piped());
    let answers = |program: &mut std::process::Command, cards: usize| {
        let mut child = program.spawn().unwrap();
        child.stdin.take().unwrap().write_all("\n1\n".repeat(cards).as_bytes()).unwrap();
        child
    };
    let ended = answers(&mut terminal, 40).wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");

    let mut server = ours(reader::reader(root, 0));
    server.env("BOOK_TODAY", "2027-03-01");
    let reading = Reading::of(server);
    let mut tab = browser.visitor();
    tab.go(&format!("http://{}/recall.html", reading.addr));
    let mut terminal = ours(program(root));
    terminal.env("BOOK_TODAY", "2027-03-01").args(["recall"]).stdin(Stdio::piped());
    let terminal = answers(&mut terminal, 6);
    // The second page lies in the first: another document with scripts of its own.
    let both = format!(
        "(async () => {{ const answers = {ANSWERS};
            const other = document.createElement('iframe');
            other.src = '/recall.html';
            document.body.append(other);
            await new Promise((done) => (other.onload = done));
            const all = await Promise.all([answers(document), answers(other.contentDocument)]);
            return all.length; }})()"
    );
    assert_eq!(tab.eval(&both), 2);
    assert!(terminal.wait_with_output().unwrap().status.success());

    let text = fs::read_to_string(&log).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let on = |day: &str| events.clone().filter(|event| event["day"] == *day).count();
    assert_eq!((on("2026-11-26"), on("2027-03-01")), (40, 18), "{text}");
}

#[test]
fn all_can_be_read_without_a_script_and_nothing_is_wider_than_a_telephone() {
    let Some(mut browser) = Browser::start("plain") else { return };
    let checkout = Checkout::whole("plain");
    let reading = Reading::start(&checkout);
    let mut tab = browser.visitor();
    tab.resize(360, 740);
    let unfold = "for (const fold of document.querySelectorAll('details')) fold.open = true;";
    for page in pages(&checkout) {
        tab.go(&format!("http://{}/{page}", reading.addr));
        tab.eval(unfold);
        let wide = tab.eval("document.documentElement.scrollWidth");
        assert!(wide.as_u64().unwrap() <= 360, "{page} is {wide} wide");
    }
    // The first console of the book, and the map of its notes, need no scrolling. Here is a bar at the side.
    tab.resize(375, 740);
    tab.go(&format!("http://{}/start.html", reading.addr));
    let scrolls = "[document.querySelector('main pre'), ...document.querySelectorAll('.map .table-wrapper')] \
                   .filter((wide) => wide.scrollWidth > wide.clientWidth).length";
    assert_eq!(tab.eval(scrolls), 0);

    tab.without_scripts();
    tab.go(&format!("http://{}/why/edges.html", reading.addr));
    let is_seen = "document.querySelector('.recall .answer').checkVisibility()";
    assert_eq!(tab.eval(is_seen), false);
    // As a reader's press does.
    let press = "document.querySelector('.recall summary').click()";
    tab.eval(press);
    tab.until(is_seen);
    let shown = "getComputedStyle(document.querySelector('.boring')).display";
    assert_eq!(tab.eval(shown), "none");
    tab.eval("document.querySelector('figcaption input').click()");
    assert_eq!(tab.eval(shown), "inline", "hidden lines are shown without a script");
    assert_eq!(tab.eval("document.querySelectorAll('.copy').length"), 0, "no script ran");
    tab.eval("document.getElementById('contents-button').click()");
    tab.until("document.querySelector('#contents a').checkVisibility()");
    tab.go(&format!("http://{}/toc.html", reading.addr));
    assert!(tab.eval("document.querySelectorAll('main li a').length").as_u64().unwrap() > 20);
}

#[test]
fn nothing_moves_when_what_is_the_readers_own_is_shown() {
    let Some(mut browser) = Browser::start("moves") else { return };
    let checkout = Checkout::whole("moves");
    let reading = Reading::start(&checkout);
    let mut tab = browser.visitor();
    tab.resize(375, 740);
    let moved = "new Promise((say) => { \
                   let sum = 0; \
                   new PerformanceObserver((all) => { for (const one of all.getEntries()) sum += one.value; }) \
                       .observe({ type: 'layout-shift', buffered: true }); \
                   setTimeout(() => say(sum), 300); })";
    tab.go(&format!("http://{}/recall.html", reading.addr));
    tab.until("document.querySelector('.own-asked').textContent.includes('Nothing is due')");
    let none = tab.eval(moved);
    assert!(none.as_f64().unwrap() < 0.001, "{none} where nothing is due");

    tab.go(&format!("http://{}/why/edges.html", reading.addr));
    tab.until("document.getElementById('own-read') !== null");
    tab.eval("document.getElementById('own-read').click()");
    tab.until("document.querySelector('.own-read [role=status]').textContent.includes('asked')");
    for (page, shown) in
        [("start", ".own a[href='/recall.html']"), ("recall", ".own-asked summary")]
    {
        tab.go(&format!("http://{}/{page}.html", reading.addr));
        tab.until(&format!("document.querySelector(\"{shown}\") !== null"));
        let sum = tab.eval(moved);
        assert!(sum.as_f64().unwrap() < 0.001, "{page} moved by {sum}");
    }
}

/// What axe-core, a program that knows what hinders readers, says of every page.
#[test]
fn nothing_hinders_a_reader() {
    let Some(axe) = std::env::var_os("BOOK_AXE").filter(|axe| !axe.is_empty()) else {
        println!("skipped: BOOK_AXE does not name axe-core's axe.min.js");
        return;
    };
    let axe = fs::read_to_string(axe).expect("BOOK_AXE names axe-core's axe.min.js");
    let Some(mut browser) = Browser::start("axe") else { return };
    let checkout = Checkout::whole("axe");
    let reading = Reading::start(&checkout);
    let mut tab = browser.visitor();
    let unfold = "for (const fold of document.querySelectorAll('details')) fold.open = true; \
                  for (const all of document.querySelectorAll('figcaption input')) all.click(); \
                  new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn, 50)))";
    let run = "axe.run().then(({ violations }) => violations.map((is) => is.id + ': ' + is.nodes[0].html))";
    let mut said = Vec::new();
    for (width, theme) in [(360, "light"), (360, "dark"), (1440, "light"), (1440, "dark")] {
        tab.resize(width, 900);
        tab.system_is(theme);
        for page in pages(&checkout) {
            tab.go(&format!("http://{}/{page}", reading.addr));
            tab.eval(unfold);
            tab.eval(&axe);
            let wrong = tab.eval(run);
            if wrong != json!([]) {
                said.push(format!("{page}, {width} wide, {theme}: {wrong}"));
            }
        }
    }
    assert!(said.is_empty(), "{}", said.join("\n"));
}

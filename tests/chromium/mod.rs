//! A browser, driven over its own protocol: it reads commands from one pipe and answers on another, each
//! a JSON text that ends with a zero.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::reader::DEADLINE;
use crate::signals::with_default_signals;

/// What Chromium is called here and there.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// One at a time: each is several processes.
static ONE: Mutex<()> = Mutex::new(());

/// A running browser; ended with the test.
pub struct Browser {
    child: Child,
    commands: ChildStdin,
    answers: Receiver<Value>,
    asked: u64,
    profile: PathBuf,
    _one: MutexGuard<'static, ()>,
}

/// A tab that shares nothing with other tabs of other visitors.
pub struct Tab<'a> {
    browser: &'a mut Browser,
    session: String,
    scripts: bool,
}

/// Chromium's path, or why there is none.
fn program() -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).flat_map(|dir| NAMES.map(|name| dir.join(name)));
    let mut found = places.filter(|place| place.is_file());
    found.next().ok_or_else(|| format!("none of {} is installed", NAMES.join(", ")))
}

impl Browser {
    /// Starts one; where there is none it says so, and the test is skipped.
    pub fn start(name: &str) -> Option<Browser> {
        if std::env::var_os("BOOK_BROWSER").is_none() {
            println!("skipped: it takes a minute; BOOK_BROWSER=1 tries the pages in a browser");
            return None;
        }
        let program = match program() {
            Ok(program) => program,
            Err(why) => {
                println!("skipped: {why}");
                return None;
            }
        };
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("profile-{name}"));
        let _ = fs::remove_dir_all(&profile);
        // It takes commands from descriptor 3 and answers on 4; root may not have its sandbox.
        let script = "exec \"$@\" 3<&0 4>&1 >/dev/null 2>&1 </dev/null";
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(program).args([
            "--headless=new",
            "--no-sandbox",
            "--no-first-run",
            "--disable-background-networking",
            "--remote-debugging-pipe",
        ]);
        shell.arg(format!("--user-data-dir={}", profile.display()));
        let mut child = with_default_signals(&mut shell)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let commands = child.stdin.take().expect("it is piped");
        let mut said = BufReader::new(child.stdout.take().expect("it is piped"));
        let (send, answers) = channel();
        std::thread::spawn(move || {
            let mut text = Vec::new();
            while said.read_until(0, &mut text).is_ok_and(|n| n > 0) {
                text.pop();
                let answer: Value = serde_json::from_slice(&text).expect("it speaks JSON");
                // What happens unasked is for nobody here.
                if answer["id"].is_u64() && send.send(answer).is_err() {
                    return;
                }
                text.clear();
            }
        });
        Some(Browser { child, commands, answers, asked: 0, profile, _one: one })
    }

    /// A new visitor's tab.
    pub fn visitor(&mut self) -> Tab<'_> {
        let visitor = self.ask(None, "Target.createBrowserContext", json!({}));
        let session = self.tab_of(&visitor["browserContextId"]);
        Tab { browser: self, session, scripts: true }
    }

    fn tab_of(&mut self, visitor: &Value) -> String {
        let place = json!({ "url": "about:blank", "browserContextId": visitor });
        let target = self.ask(None, "Target.createTarget", place)["targetId"].clone();
        let attach = json!({ "targetId": target, "flatten": true });
        let session = self.ask(None, "Target.attachToTarget", attach)["sessionId"].clone();
        session.as_str().expect("a session has a name").to_owned()
    }

    fn ask(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.try_to_ask(session, method, params).unwrap_or_else(|why| panic!("{method}: {why}"))
    }

    /// What the browser answers, or why it does not.
    fn try_to_ask(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> Result<Value, Value> {
        self.asked += 1;
        let mut command = json!({ "id": self.asked, "method": method, "params": params });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let mut text = command.to_string().into_bytes();
        text.push(0);
        self.commands.write_all(&text).expect("the browser runs");
        loop {
            let answer = self.answers.recv_timeout(DEADLINE).expect("the browser answers");
            if answer["id"] == self.asked {
                let error = &answer["error"];
                return if error.is_null() {
                    Ok(answer["result"].clone())
                } else {
                    Err(error.clone())
                };
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let close = json!({ "id": 0, "method": "Browser.close" }).to_string() + "\0";
        let _ = self.commands.write_all(close.as_bytes());
        let started = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && started.elapsed() < DEADLINE / 10 {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

impl Tab<'_> {
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.browser.ask(Some(&self.session), method, params)
    }

    /// Goes to an address and waits until the page is there, and is drawn: before that it takes no keys.
    pub fn go(&mut self, url: &str) {
        self.ask("Page.navigate", json!({ "url": url }));
        let is_there = "document.readyState === 'complete' && location.href.startsWith";
        self.until(&format!("{is_there}({})", json!(url)));
        if self.scripts {
            let drawn = "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 20)))";
            self.eval(drawn);
        }
    }

    /// What an expression is in the page; a promise is waited for.
    pub fn eval(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.ask("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true in the page, which may be another one meanwhile.
    pub fn until(&mut self, expression: &str) {
        let started = Instant::now();
        let params = json!({ "expression": expression, "returnByValue": true });
        // A page that goes while it is asked has no answer, and the next one is asked.
        while !self
            .browser
            .try_to_ask(Some(&self.session), "Runtime.evaluate", params.clone())
            .is_ok_and(|answer| answer["result"]["value"] == true)
        {
            if started.elapsed() > DEADLINE / 4 {
                let at = self
                    .eval("location.href + ' ' + document.activeElement?.outerHTML.slice(0, 200)");
                panic!("it never is so: {expression}; {at}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Presses a key: a letter, or one with a name such as `ArrowRight`.
    pub fn press(&mut self, key: &str) {
        let mut down = json!({ "type": "keyDown", "key": key });
        if key.chars().count() == 1 {
            down["text"] = key.into();
        }
        if key == "Enter" {
            down["text"] = "\r".into();
        }
        self.ask("Input.dispatchKeyEvent", down);
        self.ask("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": key }));
    }

    /// Types a text where the cursor is.
    pub fn type_in(&mut self, text: &str) {
        self.ask("Input.insertText", json!({ "text": text }));
    }

    /// A window of that size.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", size);
    }

    /// A system that is dark or light.
    pub fn system_is(&mut self, theme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": theme }]);
        self.ask("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// No script of a page runs from now on; what the test asks still does.
    pub fn without_scripts(&mut self) {
        self.scripts = false;
        self.ask("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    }
}

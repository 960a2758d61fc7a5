//! A script, in the model and on the kernel, step by step.

use std::io;

use crate::kernel::Kernel;
use crate::script::{Script, Step};
use crate::{Epoll, Outcome, Told, Turn};

/// A step, what the model predicted of it and what the kernel said.
#[derive(Debug, Clone)]
pub struct Line {
    /// The step.
    pub step: Step,
    /// Every way in which the model saw it turn out.
    pub predicted: Vec<Turn>,
    /// How it turned out.
    pub kernel: Outcome,
    /// What the model was told.
    pub told: Told,
}

impl Line {
    /// The outcomes that the model predicted, each once.
    pub fn outcomes(&self) -> Vec<&Outcome> {
        let mut outcomes: Vec<&Outcome> = Vec::new();
        for turn in &self.predicted {
            if !outcomes.contains(&&turn.outcome) {
                outcomes.push(&turn.outcome);
            }
        }
        outcomes
    }

    /// Why there are several; nothing if there are not.
    pub fn why(&self) -> Vec<&'static str> {
        let mut why: Vec<&'static str> = Vec::new();
        for reason in self.predicted.iter().flat_map(|turn| &turn.why) {
            if !why.contains(reason) {
                why.push(reason);
            }
        }
        if self.outcomes().len() > 1 { why } else { Vec::new() }
    }

    /// Whether the kernel did what the model predicts.
    pub fn agrees(&self) -> bool {
        self.predicted.iter().any(|turn| turn.outcome == self.kernel)
    }

    /// How things may stand after it, as far as the kernel's answer tells.
    pub fn after(&self) -> impl Iterator<Item = &Epoll> {
        let so = |turn: &&Turn| turn.outcome == self.kernel || !self.agrees();
        self.predicted.iter().filter(so).map(|turn| &turn.after)
    }
}

/// Runs a script in both, to its end or to the first step on which they differ.
pub fn run(script: &Script) -> io::Result<Vec<Line>> {
    let mut kernel = Kernel::new(script)?;
    let mut states = vec![Epoll::new(script)];
    let mut lines = Vec::new();
    for step in &script.steps {
        let (outcome, told) = kernel.step(step);
        let mut predicted: Vec<Turn> = Vec::new();
        for state in &states {
            predicted.extend(state.step(step, &told));
        }
        let line = Line { step: *step, predicted, kernel: outcome, told };
        states.clear();
        for after in line.after() {
            if !states.contains(after) {
                states.push(after.clone());
            }
        }
        let agrees = line.agrees();
        lines.push(line);
        if !agrees {
            break;
        }
    }
    Ok(lines)
}

/// Whether the model and the kernel differ on a script.
pub fn differs(script: &Script) -> io::Result<bool> {
    Ok(run(script)?.last().is_some_and(|line| !line.agrees()))
}

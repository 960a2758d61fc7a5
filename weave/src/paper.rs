//! A woven page for paper and for e-books, where nothing unfolds: what was folded is open, the answers
//! of the cards stand behind the page, and the tests are named and not shown.

/// The page as mdBook Markdown, from that for the screen.
pub fn paper(woven: &str) -> String {
    let mut out = String::new();
    let mut answers = String::new();
    // How the folds end that are open here.
    let mut open: Vec<&str> = Vec::new();
    let mut rest = woven;
    let mut number = 0;
    while let Some(at) = rest.find("<details").into_iter().chain(rest.find("</details>")).min() {
        out += &rest[..at];
        rest = &rest[at..];
        if let Some(behind) = rest.strip_prefix("</details>") {
            out += open.pop().unwrap_or("");
            rest = behind;
        } else if rest.starts_with("<details class=\"recall\"") {
            let (card, behind) = rest.split_once("</details>").unwrap_or((rest, ""));
            number += 1;
            let (id, question, answer) = sides(card);
            out += &format!(
                "<div class=\"recall\" id=\"{id}\">\n<p><b>{number}</b> {question}</p>\n</div>\n"
            );
            answers += &format!("<div class=\"answer\">\n\n**{number}** {answer}\n\n</div>\n\n");
            rest = behind;
        } else if rest.starts_with("<details class=\"proof\"") {
            let (proof, behind) = rest.split_once("</details>").unwrap_or((rest, ""));
            out += &format!("{}\n", between(proof, "</summary>\n", "\n\n"));
            rest = behind;
        } else {
            let class = between(rest, "class=\"", "\"");
            let title = between(rest, "<summary>", "</summary>");
            out += &format!("<div class=\"{class}\">\n<p class=\"summary\">{title}</p>");
            open.push("</div>");
            rest = rest.split_once("</summary>").map_or("", |(_, behind)| behind);
        }
    }
    out += rest;
    if !answers.is_empty() {
        out += &format!("\n\n## Answers\n\n{answers}");
    }
    without_buttons(&out)
}

/// The id of a card, its question, and its answer as Markdown.
fn sides(card: &str) -> (&str, &str, &str) {
    let id = between(card, "id=\"", "\"");
    let question = between(card, "<summary><span>", "</span></summary>");
    let answer = card.split_once("<div class=\"answer\">").map_or("", |(_, answer)| answer);
    (id, question, answer.trim_end().trim_end_matches("</div>").trim())
}

/// What stands between two marks.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let behind = text.split_once(from).map_or("", |(_, behind)| behind);
    behind.split_once(to).map_or(behind, |(inside, _)| inside)
}

/// Hidden lines need no button, since all are shown.
fn without_buttons(text: &str) -> String {
    let mut pieces = text.split("<label>");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |out, piece| {
        out + piece.split_once("</label>").map_or(piece, |(_, behind)| behind)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::render;

    #[test]
    fn nothing_is_folded_and_the_answers_stand_behind() {
        let note = crate::arc::tests::note().replacen(
            "This.",
            "<!-- fold: What they said -->\nThe words.\n<!-- /fold -->\nThis.",
            1,
        );
        let book = crate::book::tests::book(&[("why/a.md", &note)]);
        let woven = render(&book, &book.pages[0]);
        let paper = paper(&woven);
        assert!(woven.contains("<details class=\"recall\"") && woven.contains("class=\"fold\""));
        for gone in ["details", "summary>", "<label", "<input"] {
            assert!(!paper.contains(gone), "{gone}: {paper}");
        }
        assert_eq!(paper.matches("<div").count(), paper.matches("</div>").count(), "{paper}");
        let fold = "<div class=\"fold\">\n<p class=\"summary\">What they said</p>\n\nThe words.";
        assert!(paper.contains(fold), "{paper}");
        let (page, answers) = paper.split_once("## Answers").expect("there is a card");
        assert!(page.contains("<p><b>1</b> ") && answers.contains("**1** "), "{paper}");
        for card in woven.split("<details class=\"recall\"").skip(1) {
            let (id, question, answer) = sides(card.split_once("</details>").unwrap().0);
            assert!(page.contains(&format!("id=\"{id}\"")) && page.contains(question), "{page}");
            assert!(answers.contains(answer) && !page.contains("\"answer\""), "{answer}");
        }
    }
}

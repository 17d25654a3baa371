//! A response, and the forms of a page: as much of HTML as the console writes.

/// A response.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// A form that is filled in.
#[derive(Debug, Clone)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Reply {
    /// Reads one from what came.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no response: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status.parse().unwrap(),
            headers: headers
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known == name)?;
        Some(value)
    }

    #[track_caller]
    pub fn status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.words());
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        let found = self.words();
        assert!(found.contains(words), "{words:?} is not in:\n{found}");
        self
    }

    #[track_caller]
    pub fn says_not(self, words: &str) -> Self {
        let found = self.words();
        assert!(!found.contains(words), "{words:?} is in:\n{found}");
        self
    }

    /// What is read on the page.
    pub fn words(&self) -> String {
        let body = self.body.split("<body>").nth(1).unwrap_or(&self.body);
        let body = body.split("<script>").next().unwrap_or_default();
        let mut words = String::new();
        let mut is_tag = false;
        for character in body.chars() {
            match character {
                '<' => is_tag = true,
                '>' if is_tag => is_tag = false,
                other if !is_tag => words.push(other),
                _ => {}
            }
        }
        unescaped(&words)
    }

    /// The command that the page shows, the first one if there are several.
    #[track_caller]
    pub fn command(&self) -> String {
        let start = "<code>";
        let mut boxes = self.body.split("class=\"command\"");
        let first = boxes.nth(1).unwrap();
        let (_, command) = first.split_once(start).unwrap();
        unescaped(command.split_once("</code>").unwrap().0)
    }

    /// The form that leads to this path.
    #[track_caller]
    pub fn form(&self, action: &str) -> Form {
        let start = format!("action=\"{action}\"");
        let (_, form) = self
            .body
            .split_once(&start)
            .unwrap_or_else(|| panic!("no form to {action} in:\n{}", self.words()));
        let form = form.split("</form>").next().unwrap();
        Form {
            action: action.to_owned(),
            fields: fields(form),
        }
    }

    /// The form that has this in it, such as the name of a button.
    #[track_caller]
    pub fn form_with(&self, part: &str) -> Form {
        let (before, after) = self
            .body
            .split_once(part)
            .unwrap_or_else(|| panic!("no {part:?} in:\n{}", self.words()));
        let (_, start) = before.rsplit_once("<form").unwrap();
        let rest = after.split("</form>").next().unwrap();
        let (_, action) = start.split_once("action=\"").unwrap();
        Form {
            action: action.split_once('"').unwrap().0.to_owned(),
            fields: fields(&format!("<form{start}{part}{rest}")),
        }
    }

    /// The form by which a change that is shown is made.
    #[track_caller]
    pub fn confirmation(&self) -> Form {
        let (before, _) = self
            .body
            .split_once("value=\"save\"")
            .unwrap_or_else(|| panic!("nothing to confirm:\n{}", self.words()));
        let (_, form) = before.rsplit_once("<form").unwrap();
        let (_, action) = form.split_once("action=\"").unwrap();
        self.form(action.split_once('"').unwrap().0)
    }
}

impl Form {
    /// Fills a field in.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(&self) -> String {
        let pairs = self.fields.iter().map(|(name, value)| {
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                    .to_string()
            };
            format!("{}={}", encode(name), encode(value))
        });
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// What a browser would send of a form that is left as it is, but for its buttons.
fn fields(form: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut select: Option<(String, Option<String>)> = None;
    for tag in form.split('<').skip(1) {
        let (tag, content) = tag.split_once('>').unwrap_or((tag, ""));
        let attribute = |name: &str| {
            let (_, value) = tag.split_once(&format!(" {name}=\""))?;
            Some(unescaped(value.split_once('"')?.0))
        };
        if tag.starts_with("input") {
            let is_unchecked = tag.contains("type=\"radio\"") && !tag.contains(" checked");
            if let (Some(name), false) = (attribute("name"), is_unchecked) {
                fields.push((name, attribute("value").unwrap_or_default()));
            }
        } else if tag.starts_with("textarea") {
            fields.push((attribute("name").unwrap(), unescaped(content)));
        } else if tag.starts_with("select") {
            select = attribute("name").map(|name| (name, None));
        } else if tag.starts_with("option") {
            if let Some((_, chosen)) = &mut select
                && (chosen.is_none() || tag.contains(" selected"))
            {
                *chosen = attribute("value");
            }
        } else if tag.starts_with("/select")
            && let Some((name, chosen)) = select.take()
        {
            fields.push((name, chosen.unwrap_or_default()));
        }
    }
    fields
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

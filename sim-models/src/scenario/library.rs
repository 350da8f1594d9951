//! A scenario together with every file it names, read once and parsed once.

use super::parse::{self, ParseError};
use super::spec::{DutySpec, Spec};
use super::{Scenario, trace};
use crate::profile::{self, ProfileSpec};
use crate::quantity::{Problem, Resolver, Variation};
use sim_core::Streams;
use sim_core::dist::Trace;
use std::collections::BTreeMap;
use std::fmt;

/// Profiles and traces, parsed. A run borrows them: clones of a trace share its values.
#[derive(Clone, Debug, Default)]
pub struct Library {
    profiles: BTreeMap<String, ProfileSpec>,
    traces: BTreeMap<String, Vec<Trace>>,
    /// What was wrong with the files themselves.
    pub problems: Vec<Problem>,
}

impl Library {
    /// Reads every profile and trace that `spec` names. `read` turns a path as typed into text; `Err` says
    /// why it cannot.
    pub fn load(spec: &Spec, read: &mut dyn FnMut(&str) -> Result<String, String>) -> Library {
        let mut library = Library::default();
        for (path, cluster) in [("source.profile", &spec.source), ("target.profile", &spec.target)] {
            if let Some(cluster) = cluster {
                library.add_profile(path, &cluster.profile, read);
            }
        }
        for (i, group) in spec.groups.iter().flatten().enumerate() {
            if let DutySpec::Trace { file, .. } = &group.cpu.duty {
                library.add_trace(&format!("groups[{i}].cpu.duty.file"), file, read);
            }
        }
        library
    }

    /// The profile of that name, if it could be read.
    pub fn profile(&self, name: &str) -> Option<&ProfileSpec> {
        self.profiles.get(name)
    }

    /// The columns of that file, if it could be read.
    pub fn trace(&self, file: &str) -> Option<&[Trace]> {
        self.traces.get(file).map(Vec::as_slice)
    }

    fn add_profile(&mut self, path: &str, name: &str, read: &mut dyn FnMut(&str) -> Result<String, String>) {
        if self.profiles.contains_key(name) {
            return;
        }
        let text = match profile::builtin(name) {
            Some(text) => Ok(text.to_string()),
            None if name.ends_with(".ron") => read(name),
            None => {
                let built_in: Vec<&str> = profile::BUILT_IN.iter().map(|(name, _)| *name).collect();
                let near = parse::nearest(name, built_in.iter().copied());
                let guess = near.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
                self.problem(
                    path,
                    format!("there is no profile `{name}`{guess}"),
                    &format!("write one of {}, or the path of a .ron file", built_in.join(", ")),
                );
                return;
            }
        };
        let parsed = text.and_then(|text| ProfileSpec::parse(&text).map_err(|e| e.to_string()));
        match parsed {
            Ok(profile) => {
                self.profiles.insert(name.to_string(), profile);
            }
            Err(e) => self.problem(path, format!("{name}: {e}"), "write the path of a readable profile"),
        }
    }

    fn add_trace(&mut self, path: &str, file: &str, read: &mut dyn FnMut(&str) -> Result<String, String>) {
        if self.traces.contains_key(file) {
            return;
        }
        match read(file).and_then(|text| trace::columns(&text)) {
            Ok(columns) => {
                self.traces.insert(file.to_string(), columns);
            }
            Err(e) => self.problem(path, format!("{file}: {e}"), "name it from the folder of this document"),
        }
    }

    fn problem(&mut self, path: &str, what: String, remedy: &str) {
        self.problems.push(Problem { path: path.into(), what, remedy: remedy.into() });
    }
}

/// A document that cannot be read as a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The file it is in, when that is not the scenario itself.
    pub file: Option<String>,
    /// Where, and what is wrong.
    pub error: ParseError,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{file}:{}", self.error),
            None => self.error.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

/// A scenario with all it needs: resolve it as often as there are runs.
#[derive(Clone, Debug)]
pub struct Document {
    /// As typed, with what it takes from its base.
    pub spec: Spec,
    /// The files it names.
    pub library: Library,
    base: Option<(String, Vec<&'static str>)>,
}

impl Document {
    /// Reads a scenario, the one it extends, and the files both name. Paths count from the folder of the document
    /// that names them; `read` is given them from that of the scenario.
    pub fn load(
        text: &str,
        read: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Document, LoadError> {
        let mut spec = Spec::parse(text).map_err(|error| LoadError { file: None, error })?;
        let base = match spec.extends.take() {
            None => None,
            Some(name) => {
                let base = base(text, &name, read)?;
                let taken = spec.fill_from(base);
                Some((name, taken))
            }
        };
        let library = Library::load(&spec, read);
        Ok(Document { spec, library, base })
    }

    /// The scenario with every distribution at its median, or everything that is wrong with it.
    pub fn check(&self) -> Result<Scenario, Vec<Problem>> {
        self.resolve_with(Resolver::typical())
    }

    /// The scenario of one run, its inputs drawn from that run's streams.
    pub fn draw(&self, streams: Streams) -> Result<Scenario, Vec<Problem>> {
        self.draw_varied(streams, None)
    }

    /// [`Document::check`] with one quantity changed.
    pub fn check_varied(&self, variation: Variation) -> Result<Scenario, Vec<Problem>> {
        self.resolve_with(Resolver::typical().varied(Some(variation)))
    }

    /// [`Document::draw`] with one quantity changed: the luck of the run stays the same.
    pub fn draw_varied(
        &self,
        streams: Streams,
        variation: Option<&Variation>,
    ) -> Result<Scenario, Vec<Problem>> {
        self.resolve_with(Resolver::drawn(streams).varied(variation.cloned()))
    }

    fn resolve_with(&self, mut r: Resolver) -> Result<Scenario, Vec<Problem>> {
        let scenario = self.spec.resolve(&self.library, &mut r);
        scenario.ok_or_else(|| r.problems.into_iter().map(|p| self.placed(p)).collect())
    }

    /// Says so when the path lies in the base.
    fn placed(&self, mut problem: Problem) -> Problem {
        if let Some((base, taken)) = &self.base {
            let top = problem.path.split(['.', '[']).next().unwrap_or_default();
            if taken.contains(&top) {
                problem.path = format!("{base}: {}", problem.path);
            }
        }
        problem
    }
}

fn base(
    text: &str,
    name: &str,
    read: &mut dyn FnMut(&str) -> Result<String, String>,
) -> Result<Spec, LoadError> {
    let refuse = |message: String| {
        let before = &text[..text.find(name).unwrap_or(0)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        LoadError { file: None, error: ParseError { line, column, message } }
    };
    let base_text = read(name).map_err(|e| refuse(format!("cannot read {name}: {e}")))?;
    let mut base =
        Spec::parse(&base_text).map_err(|error| LoadError { file: Some(name.to_string()), error })?;
    if let Some((folder, _)) = name.rsplit_once('/') {
        from_folder(folder, &mut base);
    }
    match base.extends {
        Some(further) => Err(refuse(format!("{name} itself extends {further}; only one level is read"))),
        None => Ok(base),
    }
}

/// Makes the paths in a document from `folder` count from where `folder` does.
fn from_folder(folder: &str, spec: &mut Spec) {
    let rebase = |path: &mut String| {
        if !path.starts_with('/') {
            *path = format!("{folder}/{path}");
        }
    };
    let clusters = [&mut spec.source, &mut spec.target].into_iter().flatten();
    clusters.map(|c| &mut c.profile).filter(|p| p.ends_with(".ron")).for_each(rebase);
    for group in spec.groups.iter_mut().flatten() {
        if let DutySpec::Trace { file, .. } = &mut group.cpu.duty {
            rebase(file);
        }
    }
}

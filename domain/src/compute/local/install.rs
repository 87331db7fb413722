//! One installation per environment at a time: whoever else wants it waits and sees the same progress.

use super::{
    config::{Folders, LocalConfig},
    pip_progress::Progress,
    python::{self, InstallFailure, Python},
};
use crate::compute::PythonEnvironment;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{broadcast, watch};

#[derive(Clone, Debug)]
pub(super) enum InstallState {
    Running(Progress),
    Done(Result<(), InstallFailure>),
}

struct Install {
    state: watch::Sender<InstallState>,
    lines: broadcast::Sender<String>,
}

/// A place in the queue: dropping the last one ends the installation.
pub(super) struct Waiting {
    pub state: watch::Receiver<InstallState>,
    pub lines: broadcast::Receiver<String>,
}

#[derive(Clone, Default)]
pub(super) struct Installs(Arc<Mutex<HashMap<String, Arc<Install>>>>);

impl Installs {
    /// Joins the installation of this environment, or starts it.
    pub fn join(
        &self,
        config: &LocalConfig,
        folders: &Folders,
        python: &Python,
        environment: &PythonEnvironment,
    ) -> crate::Result<Waiting> {
        let folder = folders.environment(&environment.key)?;
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(install) = running.get(&environment.key) {
            return Ok(Waiting { state: install.state.subscribe(), lines: install.lines.subscribe() });
        }
        let (state, state_receiver) = watch::channel(InstallState::Running(Progress::step("Making the Python environment")));
        let (lines, lines_receiver) = broadcast::channel(4096);
        let install = Arc::new(Install { state, lines });
        running.insert(environment.key.clone(), install.clone());
        let (all, config, python, environment) = (self.clone(), config.clone(), python.clone(), environment.clone());
        tokio::spawn(async move {
            let told = install.clone();
            let tell = Arc::new(move |progress: &Progress, line: Option<&str>| {
                let changed = |state: &mut InstallState| match state {
                    InstallState::Running(old) if old == progress => false,
                    state => {
                        *state = InstallState::Running(progress.clone());
                        true
                    }
                };
                told.state.send_if_modified(changed);
                if let Some(line) = line {
                    let _ = told.lines.send(line.to_owned());
                }
            });
            let made = async {
                let mut work = Box::pin(python::make(&config, &python, &environment, &folder, tell));
                loop {
                    tokio::select! {
                        result = &mut work => return result,
                        () = install.state.closed() => {
                            // Checked under the lock: nobody can join between this and the removal.
                            let mut running = all.0.lock().unwrap_or_else(PoisonError::into_inner);
                            if install.state.receiver_count() == 0 {
                                // Killed before anybody can start it anew in the same folder.
                                drop(work);
                                running.remove(&environment.key);
                                return Err(InstallFailure("Nobody waited for it any more.".to_owned()));
                            }
                        }
                    }
                }
            };
            let result = made.await;
            let mut running = all.0.lock().unwrap_or_else(PoisonError::into_inner);
            if running.get(&environment.key).is_some_and(|i| Arc::ptr_eq(i, &install)) {
                running.remove(&environment.key);
            }
            install.state.send_replace(InstallState::Done(result));
        });
        Ok(Waiting { state: state_receiver, lines: lines_receiver })
    }
}

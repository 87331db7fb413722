//! Promotion of model versions: a team's flow, requests that pass its gates, reviews, waivers, the holders of aliases, and model cards.

mod card_store;
mod cards;
mod decide;
mod flow;
mod gates;
mod gates_store;
pub(crate) mod guard;
pub(crate) mod holders;
mod lapse_store;
mod requests;
mod roll_back;
mod store;
mod waiting;
mod waiver_store;
mod waivers;

pub use cards::{card, save_card};
pub use decide::{check_again, review, withdraw};
pub use flow::{flow, move_stage, remove_stage, save_card_fields, save_stage, use_recommended};
pub use requests::{get, list, preview, request};
pub use roll_back::{history, remove, roll_back};
pub use waiting::waiting;
pub use waivers::{ask_waiver, decline_waiver, grant_waiver};

use crate::{
    caller::{Caller, Via},
    error::{Error, Result},
};

/// What two people must do is done by people: a program that has somebody's token is not a second one.
fn in_person(caller: &Caller) -> Result<()> {
    match caller.via {
        Via::Token => Err(Error::Forbidden("A token may not decide on promotions; sign in to the portal.".to_owned())),
        _ => Ok(()),
    }
}

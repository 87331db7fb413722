//! People: the first administrator, accounts, sign-in. Identity is (issuer, subject); the email is a label.

use crate::{
    caller::{Caller, Identity},
    error::{Error, Result},
    model::{Me, NewUser, User, UserId},
    portal::Portal,
};

/// The one-time code that lets the first visitor make the first administrator. Empty once there is one.
#[derive(Default)]
pub struct SetupCode(std::sync::Mutex<Option<String>>);

/// Slows down guessing: counts failed sign-ins by account and by address. Bounded; flooding it evicts nobody who is being guessed.
#[derive(Default)]
pub struct Throttle(());

/// If the portal has no user yet: makes a one-time code (kept in memory only) and returns it for the console.
pub async fn prepare_setup(_portal: &Portal) -> Result<Option<String>> {
    Err(Error::Internal("stub".into()))
}
/// Whether the first administrator is still to be made.
pub async fn needs_setup(_portal: &Portal) -> Result<bool> {
    Err(Error::Internal("stub".into()))
}
/// Makes the first administrator, given the code from the console. Works once.
pub async fn set_up(_portal: &Portal, _caller: &Caller, _code: &str, _new: NewUser) -> Result<User> {
    Err(Error::Internal("stub".into()))
}
/// Checks a local account's password. The same error and the same time for a wrong password, an unknown email and a disabled account.
pub async fn sign_in(_portal: &Portal, _caller: &Caller, _email: &str, _password: &str) -> Result<User> {
    Err(Error::Internal("stub".into()))
}
/// The account, teams and roles as of now; none where it is gone or disabled.
pub async fn identify(_portal: &Portal, _user: &UserId) -> Result<Option<Identity>> {
    Err(Error::Internal("stub".into()))
}
pub fn me(_caller: &Caller) -> Result<Me> {
    Err(Error::Internal("stub".into()))
}
/// Changes my password and ends my other sessions.
pub async fn change_password(_portal: &Portal, _caller: &Caller, _old: &str, _new: &str) -> Result<()> {
    Err(Error::Internal("stub".into()))
}
pub async fn list_users(_portal: &Portal, _caller: &Caller) -> Result<Vec<User>> {
    Err(Error::Internal("stub".into()))
}
pub async fn add_user(_portal: &Portal, _caller: &Caller, _new: NewUser) -> Result<User> {
    Err(Error::Internal("stub".into()))
}
/// Gives or takes portal administration. The last administrator keeps it.
pub async fn set_admin(_portal: &Portal, _caller: &Caller, _user: &UserId, _admin: bool) -> Result<User> {
    Err(Error::Internal("stub".into()))
}
/// Disables an account (its sessions end, its tokens stop working) or enables it again. The last administrator stays enabled.
pub async fn set_disabled(_portal: &Portal, _caller: &Caller, _user: &UserId, _disabled: bool) -> Result<User> {
    Err(Error::Internal("stub".into()))
}
/// Sets a new password for somebody and ends their sessions.
pub async fn reset_password(_portal: &Portal, _caller: &Caller, _user: &UserId, _password: &str) -> Result<()> {
    Err(Error::Internal("stub".into()))
}

use super::sign_in;
use crate::testing::{House, PASSWORD, arrival};
use crate::vault::lock;
use model::Role;
use port::Code;

async fn attempt(house: &House, peer: &str, user: &str, password: &str) -> Result<(), Code> {
    let done = sign_in(&house.vault, &arrival(peer), user, password.to_owned()).await;
    done.map(drop).map_err(|fault| fault.code)
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_do_not_fill_the_log() {
    let house = House::new();
    house.account("anna", Role::Radiologist, None);
    let before = house.vault.ledger_size();
    for n in 0..50 {
        let user = if n % 2 == 0 { "anna".to_owned() } else { format!("nobody{n}") };
        assert!(attempt(&house, "10.0.0.1:9", &user, "wrong").await.is_err());
    }
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(house.vault.ledger_size() - before, 1, "one account, one source, one minute");
    assert_eq!(house.entries("sign-in-refused").len(), 1);
    let counted: u64 = lock(&house.vault.refusals).take().iter().map(|(_, _, count)| count).sum();
    assert_eq!(counted, 49);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_locks_a_doctor_out_from_afar() {
    let house = House::new();
    house.account("anna", Role::Radiologist, None);
    for _ in 0..10 {
        assert!(attempt(&house, "10.0.0.1:9", "anna", "wrong").await.is_err());
        house.pass(2);
    }
    assert_eq!(attempt(&house, "10.9.9.9:9", "Anna", PASSWORD).await, Ok(()));
    assert_eq!(attempt(&house, "10.0.0.1:9", "anna", PASSWORD).await, Err(Code::SlowDown));
}

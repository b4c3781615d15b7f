use super::retrieve;
use crate::context::Context;
use crate::testing::{House, facts, uid};
use model::{Purpose, Role};
use policy::Standing;
use port::archive::{Form, Retrieve};

/// A CT of a whole body: more objects than one entry can name. All of them are named, and the record stays readable.
#[tokio::test(flavor = "multi_thread")]
async fn a_series_of_a_thousand_is_recorded_whole() {
    const COUNT: usize = 1000;
    let house = House::new();
    for n in 0..COUNT {
        let bytes = [b'a', b'.', (n / 256) as u8, (n % 256) as u8];
        house.store(facts("1.1", &format!("1.1.{}", 1000 + n), "A"), &bytes).await.unwrap();
    }
    let context = |house: &House| {
        let agreed = Standing {
            ae: "ws".to_owned(),
            may: vec!["retrieve".to_owned()],
            sees: "clear".to_owned(),
            purpose: Some(Purpose::Treatment),
        };
        Context { standing: agreed, ..house.context("ws", Role::Device, None) }
    };
    let ask = Retrieve {
        study: uid("1.1"),
        series: None,
        instance: None,
        form: Form::Instances,
        first: false,
        syntaxes: Vec::new(),
        known: Vec::new(),
    };
    let (_, mut parts) = retrieve(&house.vault, &context(&house), ask).await.unwrap();
    while parts.next().await.unwrap().is_some() {}
    tokio::time::sleep(std::time::Duration::from_millis(100)).await; // who sent them lets the archive go
    let house = house.again(|_| ());
    let named: usize = house
        .entries("released")
        .iter()
        .map(|entry| {
            let (_, objects) = entry.details.iter().find(|(name, _)| name == "objects").unwrap();
            objects.parse::<usize>().unwrap()
        })
        .sum();
    assert_eq!((house.entries("released").len(), named), (4, COUNT));
}

#![allow(clippy::print_stdout, reason = "x")]
mod labelled;
mod quality;
fn main() -> anyhow::Result<()> {
    let file = std::env::args().nth(1).filter(|a| !a.starts_with("--")).unwrap_or("tests/data/fake_1000.csv".into());
    let l = labelled::Labelled::read(&std::fs::read_to_string(file)?)?;
    let c = quality::Candidates::find(&l);
    println!("pairs/record {:.2} coverage {:.4}", c.pairs_per_record(), c.coverage());
    for p in c.curve() {
        println!("{:.2} p {:.4} r {:.4} largest {}", p.threshold, p.precision(), p.recall(), p.largest);
    }
    let groups = c.groups(0.8);
    let mut shown = 0;
    for g in &groups {
        let mut ps: Vec<u32> = g.iter().map(|r| l.persons[*r as usize]).collect();
        ps.sort(); ps.dedup();
        if ps.len() > 1 && shown < 15 {
            shown += 1;
            println!("MIXED {ps:?}");
            for r in g { let x=&l.records[*r as usize]; println!("   {} {} | {} | {}", l.persons[*r as usize], x.name(), x.email(), x.phone()); }
        }
    }
    Ok(())
}

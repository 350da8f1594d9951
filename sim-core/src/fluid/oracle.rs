//! The slow twin of the solver: progressive filling in floats, from zero, by linear scans.

/// A flow as the oracle sees it.
#[derive(Clone, Debug)]
pub struct Demand {
    pub path: Vec<usize>,
    pub weight: f64,
    /// Infinite without one.
    pub cap: f64,
}

/// Raises one level for all flows; whoever meets a cap or a full link first stops, and so on. Rates by flow.
pub fn rates(capacity: &[f64], flows: &[Demand]) -> Vec<f64> {
    let mut rate = vec![None; flows.len()];
    while rate.iter().any(Option::is_none) {
        let level_of = |link: usize| {
            let (mut room, mut weight) = (capacity[link], 0.0);
            for (flow, rate) in flows.iter().zip(&rate) {
                let crossings = flow.path.iter().filter(|l| **l == link).count() as f64;
                match rate {
                    Some(rate) => room -= crossings * rate,
                    None => weight += crossings * flow.weight,
                }
            }
            room / weight
        };
        let reach = |flow: &Demand| {
            let links = flow.path.iter().map(|l| level_of(*l));
            links.fold(flow.cap / flow.weight, f64::min)
        };
        let reaches: Vec<f64> = flows.iter().map(reach).collect();
        let open = |i: &usize| rate[*i].is_none();
        let first = (0..flows.len()).filter(open).min_by(|a, b| reaches[*a].total_cmp(&reaches[*b]));
        let first = first.expect("some flow is open");
        rate[first] = Some((reaches[first] * flows[first].weight).max(0.0));
    }
    rate.into_iter().flatten().collect()
}

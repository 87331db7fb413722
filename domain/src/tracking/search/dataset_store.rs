//! SQL that answers conditions on the datasets that runs read.

use super::query::{DatasetField, DatasetTest};
use crate::{args, db::Db, error::Result, model::TAG_DATASET_CONTEXT};

/// The experiment's runs that read some dataset that fits, by number, ordered.
pub(super) async fn fitting(db: &Db, experiment: i64, test: &DatasetTest) -> Result<Vec<i64>> {
    let mut runs = match test.field {
        DatasetField::Context => contexts(db, experiment, test).await?,
        DatasetField::Name | DatasetField::Digest => {
            let sql = "SELECT no, name, digest FROM datasets WHERE experiment_id = $1";
            let all: Vec<(i64, String, String)> = db.fetch_all(sql, args![experiment]).await?;
            let text = |name, digest| if test.field == DatasetField::Name { name } else { digest };
            let fits = all.into_iter().filter_map(|(no, name, digest)| test.test.holds(&text(name, digest)).then_some(no));
            let datasets: Vec<i64> = fits.collect();
            let found: Vec<(i64,)> =
                db.fetch_listed("SELECT run_no FROM run_links WHERE kind = 0 AND other IN", "", &datasets, Vec::new()).await?;
            found.into_iter().map(|(no,)| no).collect()
        }
    };
    runs.sort_unstable();
    runs.dedup();
    Ok(runs)
}

async fn contexts(db: &Db, experiment: i64, test: &DatasetTest) -> Result<Vec<i64>> {
    let sql = "SELECT t.run_no, t.value FROM datasets d JOIN run_dataset_tags t ON t.dataset_no = d.no AND t.key = $2
               WHERE d.experiment_id = $1";
    let found: Vec<(i64, String)> = db.fetch_all(sql, args![experiment, TAG_DATASET_CONTEXT]).await?;
    Ok(found.into_iter().filter_map(|(no, value)| test.test.holds(&value).then_some(no)).collect())
}

//! `slipway chart`: the compare page's chart as a file.

use crate::{config::Config, serve};
use app::charts::{
    Expression, Query,
    api::Chosen,
    export::{Format, WIDTH},
    read,
    values::Look,
};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct ChartOptions {
    /// The team whose runs they are
    #[arg(long)]
    team: String,
    /// Email of the member in whose name it is read [default: the team's admin, if there is one only]
    #[arg(long, value_name = "EMAIL")]
    user: Option<String>,
    /// Ids of runs, parted by commas
    #[arg(long, default_value = "", required_unless_present = "experiment")]
    runs: String,
    /// All runs of the experiment with this id, at most 10,000
    #[arg(long, default_value = "")]
    experiment: String,
    /// Of these only the ones that fit, in `MLflow`'s filter language
    #[arg(long, default_value = "", requires = "experiment")]
    filter: String,
    /// Which chart: lines of histories, or one of the values that runs ended with
    #[arg(long, default_value = "line", value_parser = ["line", "parallel", "scatter", "heat", "bar", "box", "violin", "histogram", "importance"])]
    chart: String,
    /// What is drawn [default: the first that the runs logged, by name]
    #[arg(long, default_value = "")]
    metric: String,
    /// Drawn instead of a metric, of a chart of lines: `train_loss / val_loss`
    #[arg(long, default_value = "")]
    expression: String,
    /// Where a few values far from the others are
    #[arg(long, default_value = "shown", value_parser = ["shown", "beyond"])]
    outliers: String,
    /// Key across, of a scatter plot, a heat map or lines along a metric: `params.lr`, `metrics.loss`, `tags.owner`, duration [default: a param that differs]
    #[arg(long, default_value = "")]
    horizontal: String,
    /// Key up
    #[arg(long, default_value = "")]
    vertical: String,
    /// Key that colours tell, of a scatter plot or parallel coordinates
    #[arg(long, default_value = "")]
    colour: String,
    /// Keys of parallel coordinates, parted by commas
    #[arg(long, default_value = "")]
    axes: String,
    /// Which ends of a scatter plot are better; draws the runs that none beats
    #[arg(long, default_value = "none", value_parser = ["none", "low-low", "low-high", "high-low", "high-high"])]
    front: String,
    /// The horizontal axis
    #[arg(long, default_value = "step", value_parser = ["step", "wall", "relative", "metric"])]
    x: String,
    /// Scale of the horizontal axis
    #[arg(long, default_value = "linear", value_parser = ["linear", "log", "symlog"])]
    across: String,
    /// Scale of the values
    #[arg(long, default_value = "linear", value_parser = ["linear", "log", "symlog"])]
    y: String,
    /// How much is smoothed, 0 to 0.99
    #[arg(long, default_value = "0")]
    smooth: String,
    /// How it is smoothed
    #[arg(long, default_value = "ema", value_parser = ["ema", "time", "gaussian", "running"])]
    smoothing: String,
    /// One line for the runs with one value of this: `params.lr`, `tags.owner`, experiment, status
    #[arg(long, default_value = "")]
    group: String,
    /// What stands for a group
    #[arg(long, default_value = "mean", value_parser = ["mean", "median"])]
    middle: String,
    /// What is shaded around it: least to greatest, standard deviation, standard error, 10 % to 90 %, or nothing
    #[arg(long, default_value = "extremes", value_parser = ["extremes", "std", "stderr", "quantiles", "none"])]
    band: String,
    /// First place of the axis that is shown
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    from: String,
    /// Last place of the axis that is shown
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    to: String,
    /// Where to: `*.svg` is the picture, `*.csv` and `*.parquet` have all of its points
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl ChartOptions {
    /// As an address has it.
    fn value(&self, name: &str) -> &str {
        match name {
            "chart" => &self.chart,
            "expression" => &self.expression,
            "outliers" => &self.outliers,
            "horizontal" => &self.horizontal,
            "vertical" => &self.vertical,
            "colour" => &self.colour,
            "axes" => &self.axes,
            "front" => &self.front,
            "metric" => &self.metric,
            "x" => &self.x,
            "across" => &self.across,
            "y" => &self.y,
            "smooth" => &self.smooth,
            "smoothing" => &self.smoothing,
            "group" => &self.group,
            "middle" => &self.middle,
            "band" => &self.band,
            "from" => &self.from,
            "to" => &self.to,
            _ => "",
        }
    }
}

/// Writes the file.
///
/// # Errors
/// Where something asked for is not there, or the file cannot be written.
pub async fn run(config: &Config, options: ChartOptions) -> Result<(), String> {
    let format = options.out.extension().and_then(|e| e.to_str()).and_then(Format::of);
    let format = format.ok_or_else(|| format!("{} ends in none of .svg, .csv and .parquet.", options.out.display()))?;
    for (name, text) in [("smooth", &options.smooth), ("from", &options.from), ("to", &options.to)] {
        if !text.is_empty() && text.parse::<f64>().is_err() {
            return Err(format!("--{name} {text} is no number."));
        }
    }
    if let Some(wrong) = Some(options.expression.trim()).filter(|text| !text.is_empty()).and_then(|text| Expression::read(text).err()) {
        return Err(format!("--expression: {wrong}"));
    }
    let portal = serve::look(config).await?;
    let caller = super::import::speaker(&portal, &options.team, options.user.as_deref()).await?;
    let query = Query::of(|name| Some(options.value(name)), WIDTH);
    let chosen = Chosen { runs: options.runs.clone(), experiment: options.experiment.clone(), filter: options.filter.clone() };
    let found = read::compare(&portal, &caller, &options.team, &chosen, query, format.is_whole()).await.map_err(super::commands::told)?;
    if !options.metric.is_empty() && found.metric != options.metric {
        return Err(format!("None of the {} runs has logged {}.", found.all, options.metric));
    }
    let look = Look::of(|name| Some(options.value(name)));
    let file = format.write(&found, &look, |_| true)?;
    std::fs::write(&options.out, file).map_err(|e| format!("{} cannot be written: {e}", options.out.display()))?;
    let points: usize = found.lines.iter().map(|line| line.points).sum();
    let drawn = if found.lines.is_empty() { String::new() } else { format!("{points} points of ") };
    let more = if found.more { " More match; these are the first." } else { "" };
    super::commands::say(format_args!("{} runs, {drawn}{}: {}.{more}", found.all, found.drawn(), options.out.display()));
    Ok(())
}

//! A recipe as its data file (`backup/continuity/recipes/*.toml`) has it.

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    pub title: String,
    /// The application's own settings, the first that is there, below the folder where it is installed.
    pub settings: Vec<String>,
    pub style: Style,
    /// What is left out below each part: lines as of a `.gitignore` file.
    #[serde(default)]
    pub exclude: Vec<String>,
    pub database: Database,
    pub part: Vec<Part>,
    #[serde(default)]
    pub check: Vec<Check>,
}

/// How the settings are written, in PHP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// `$name = 'value';`
    Variables,
    /// `'name' => 'value',`
    Array,
}

/// Names of settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub kind: String,
    pub host: String,
    pub port: String,
    pub name: String,
    pub user: String,
    pub password: String,
    /// What the names of its tables begin with.
    pub prefix: String,
    pub usual_prefix: String,
    /// Values of `kind`.
    pub mariadb: Vec<String>,
    pub postgresql: Vec<String>,
}

/// A folder or file that belongs to the application.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub name: String,
    /// The setting that says where it is.
    pub setting: Option<String>,
    /// It is the file of the settings.
    #[serde(default)]
    pub settings: bool,
    /// Where it is when no setting says so: the first that is there, below the folder.
    #[serde(default)]
    pub places: Vec<String>,
    /// It is there and holds at least one file, or the run has a problem.
    pub required: bool,
}

/// What a loaded copy is asked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    pub name: String,
    /// `{prefix}` stands for what the names of tables begin with. First column: what is shown. Second, with
    /// `file_in`: a file below that part.
    pub query: String,
    /// The name of a part.
    pub file_in: Option<String>,
    pub least_rows: u64,
}

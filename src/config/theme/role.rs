//! The roles of the screen: what a style is *for*, by the names that stand in theme files.
//!
//! Owns the list, written once. Views ask for a role and never for a colour.

/// Declares the roles with their names in theme files.
macro_rules! roles {
    ($($variant:ident $name:literal $doc:literal)*) => {
        /// What a style is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Role {
            $(#[doc = $doc] $variant,)*
        }

        impl Role {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the name in theme files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Returns the role of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

roles! {
    Text "text" "The conversation and whatever else is read; the brightest thing on the screen."
    Dim "dim" "Labels, units and what stands beside the text."
    Faint "faint" "What may be overlooked: hints, separators, what was cut."
    Background "background" "The ground everything stands on."
    Title "title" "Titles of panes."
    Accent "accent" "The one colour that marks where the focus is."
    Border "border" "Frames of panes."
    BorderFocus "border_focus" "The frame of the pane with the focus."
    User "user" "The label of the person's messages."
    Assistant "assistant" "The label of the model's messages."
    System "system" "The label and text of system messages."
    Error "error" "Failures."
    Warning "warning" "What needs a look."
    Ok "ok" "What went well."
    Selection "selection" "Selected text and the selected row of a list."
    Cursor "cursor" "The token under the token cursor."
    SearchMatch "search_match" "What a search found."
    Heading "heading" "Headings in answers."
    Strong "strong" "Bold text in answers."
    Code "code" "Code in answers."
    CodeKeyword "code_keyword" "Keywords in code."
    CodeString "code_string" "Texts in code."
    CodeNumber "code_number" "Numbers and constants in code."
    CodeComment "code_comment" "Comments in code."
    CodeFunction "code_function" "Names of functions in code."
    CodeType "code_type" "Names of types in code."
    Link "link" "Addresses in answers."
    Quote "quote" "Quotations in answers."
    TableBorder "table_border" "Lines of tables in answers."
    Bar "bar" "Bars that show a probability."
    BarTail "bar_tail" "The part of a bar for candidates that were not returned."
    Gauge "gauge" "The filled part of a gauge."
    GaugeWarn "gauge_warn" "The filled part of a gauge that is nearly full."
    Chip "chip" "Small labels with a ground of their own."
    Key "key" "Names of keys in hints."
    Overlay "overlay" "Text and ground of layers above the panes."
    Heat0 "heat_0" "The coolest step: what the model was sure of. No tint at all."
    Heat1 "heat_1" "The second step of heat."
    Heat2 "heat_2" "The third step of heat."
    Heat3 "heat_3" "The fourth step of heat."
    Heat4 "heat_4" "The fifth step of heat."
    Heat5 "heat_5" "The hottest step: what the model nearly did not say."
}

impl Role {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The steps of heat, the coolest first.
    pub const HEAT: [Self; 6] =
        [Self::Heat0, Self::Heat1, Self::Heat2, Self::Heat3, Self::Heat4, Self::Heat5];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_one_to_one() {
        for (number, role) in Role::ALL.iter().enumerate() {
            assert_eq!(*role as usize, number);
            assert_eq!(Role::from_name(role.name()), Some(*role));
        }
        assert_eq!(Role::from_name("Text"), None);
    }
}

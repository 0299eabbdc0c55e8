-- The templates of a notification type in a locale, each taken from the locale, else from its language, else from those for
-- any.
create or replace function tidings.template_of(templates jsonb, locale text)
    returns jsonb
    language sql
    immutable
    parallel safe
return coalesce(templates -> '', '{}')
    || coalesce(templates -> split_part(lower(replace(locale, '_', '-')), '-', 1), '{}')
    || coalesce(templates -> lower(replace(locale, '_', '-')), '{}');

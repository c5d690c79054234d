CREATE OR REPLACE VIEW fleet.product_cadences AS
SELECT product, reports_every, silent_after_days FROM public.product_cadence;

COMMENT ON VIEW fleet.product_cadences IS 'One row per product: how often its installations report, and when an installation counts as silent.';
COMMENT ON COLUMN fleet.product_cadences.product IS 'The product that the write key belongs to.';
COMMENT ON COLUMN fleet.product_cadences.reports_every IS 'How often an installation reports: hour, day, or event for products that report only when something happens.';
COMMENT ON COLUMN fleet.product_cadences.silent_after_days IS 'The number of days without any event after which an installation counts as silent. For a product that is not listed: 3.';

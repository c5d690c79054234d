-- These functions run with the rights of the owner. The application may create functions and operators in public,
-- and one that matches an argument's type exactly is preferred to a built-in one. So only pg_catalog is searched.
CREATE OR REPLACE FUNCTION changed_days() RETURNS SETOF date
LANGUAGE plpgsql STABLE ROWS 2 SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY
    SELECT day FROM public.rollup_change UNION SELECT day FROM public.rollup_stale WHERE part = 0;
END $$;

ALTER FUNCTION forget_statistics(uuid[]) SET search_path = pg_catalog, pg_temp;

/* stack.h - flue gas: from what a probe measures to what a standard limits. HJ 212-2017 Annex D, formulas 18-34, with its constants
 * (273 K, 22.4 l/mol) so that results can be repeated. Pure. Temperatures in °C, pressures in Pa, shares as fractions unless said. */
#ifndef LF_ROOMS_REVIEW_STACK_H
#define LF_ROOMS_REVIEW_STACK_H

double stack_standard(double c, double ambient_pa, double static_pa, double celsius); /* (18) mg/m³ at flue state -> at 273 K, 101325 Pa */
double stack_dry(double wet, double humidity);                                        /* (19) also for O2; humidity 0..1 */
double stack_from_ppm(double ppm, double molar_mass);                                 /* (20) µmol/mol -> mg/m³ */
double stack_nox_of_mass(double no, double no2);                                      /* (21) mg/m³ of NO and NO2 -> NOx as NO2 */
double stack_nox_of_ppm(double no, double no2);                                       /* (22) ppm of NO and NO2 -> NOx as NO2 */
double stack_excess_air(double o2_percent);                                           /* (27) dry O2 in % */
double stack_at_excess_air(double c, double alpha, double alpha_of_standard);         /* (26) */
/* (28) at the reference oxygen of the standard. NaN when o2 is no oxygen of a flue gas (below 0 or 21 % and above): a data error. */
double stack_at_oxygen(double c, double o2_percent, double reference_percent);
double stack_flow(double velocity_m_s, double area_m2); /* (30) m³/h, wet, at flue state */
double stack_flow_standard(double wet_m3h, double celsius, double ambient_pa, double static_pa,
                           double humidity);      /* (31) m³/h, dry, standard */
double stack_load(double mg_m3, double flow_m3h); /* (33) kg/h: measured, not oxygen-converted */

/* Missing data, HJ 75-2017 tables 4 and 5. Quarterly effective capture rate = (H - stopped - invalid) / (H - stopped). */
enum stack_fill { STACK_FILL_MAX_180, STACK_FILL_MAX_720, STACK_FILL_MAX_2160, STACK_FILL_NONE };
/* gap: hours without a break. STACK_FILL_NONE: below 75 %, the quarter does not qualify. */
enum stack_fill stack_fill_of(int hours, int stopped, int invalid, int gap);
int stack_fill_hours(enum stack_fill fill); /* of valid hours before the gap whose largest emission stands in; 0 for NONE */
/* The value that stands in for each hour of a gap: the largest of the last `fill` valid hourly emissions (kg/h; NaN = not valid),
 * emission[n - 1] being the hour before the gap. NaN when there is none. */
double stack_fill_value(enum stack_fill fill, const double *emission, int n);
#endif

#include "rooms/review/stack.h"

#include <math.h>

static const double KELVIN = 273, ATMOSPHERE = 101325, MOLAR_LITRES = 22.4, NO = 30, NO2 = 46, AIR_OXYGEN = 21;

double stack_standard(double c, double ambient_pa, double static_pa, double celsius)
{
    return c * ATMOSPHERE / (ambient_pa + static_pa) * (KELVIN + celsius) / KELVIN;
}

double stack_dry(double wet, double humidity) { return humidity >= 1 ? (double)NAN : wet / (1 - humidity); }
double stack_from_ppm(double ppm, double molar_mass) { return molar_mass / MOLAR_LITRES * ppm; }
double stack_nox_of_mass(double no, double no2) { return no * NO2 / NO + no2; }
double stack_nox_of_ppm(double no, double no2) { return (no + no2) * NO2 / MOLAR_LITRES; }

static int is_flue_oxygen(double percent) { return percent >= 0 && percent < AIR_OXYGEN; }

double stack_excess_air(double o2) { return is_flue_oxygen(o2) ? AIR_OXYGEN / (AIR_OXYGEN - o2) : (double)NAN; }
double stack_at_excess_air(double c, double alpha, double alpha_of_standard) { return c * alpha / alpha_of_standard; }

double stack_at_oxygen(double c, double o2, double reference)
{
    return is_flue_oxygen(o2) ? c * (AIR_OXYGEN - reference) / (AIR_OXYGEN - o2) : (double)NAN;
}

double stack_flow(double velocity, double area) { return 3600 * area * velocity; }

double stack_flow_standard(double wet, double celsius, double ambient_pa, double static_pa, double humidity)
{
    return wet * KELVIN / (KELVIN + celsius) * (ambient_pa + static_pa) / ATMOSPHERE * (1 - humidity);
}

double stack_load(double mg_m3, double flow_m3h) { return mg_m3 * flow_m3h * 1e-6; }

/* Compared without rounding or dividing: 89.95 % is not 90 %. */
enum stack_fill stack_fill_of(int hours, int stopped, int invalid, int gap)
{
    long ran = (long)hours - stopped, good = ran - invalid;
    if (ran <= 0 || good * 100 < ran * 75)
        return STACK_FILL_NONE;
    if (good * 100 < ran * 90)
        return STACK_FILL_MAX_2160;
    return gap <= 24 ? STACK_FILL_MAX_180 : STACK_FILL_MAX_720;
}

int stack_fill_hours(enum stack_fill fill)
{
    static const int hours[] = { [STACK_FILL_MAX_180] = 180, [STACK_FILL_MAX_720] = 720, [STACK_FILL_MAX_2160] = 2160 };
    return fill == STACK_FILL_NONE ? 0 : hours[fill];
}

double stack_fill_value(enum stack_fill fill, const double *emission, int n)
{
    double largest = NAN;
    int left = stack_fill_hours(fill);
    for (int i = n - 1; i >= 0 && left; i--) {
        if (isnan(emission[i]))
            continue;
        left--;
        if (isnan(largest) || emission[i] > largest)
            largest = emission[i];
    }
    return largest;
}

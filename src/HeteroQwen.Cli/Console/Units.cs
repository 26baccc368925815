using System.Globalization;

namespace HeteroQwen.Cli;

/// <summary>Numbers as people read them.</summary>
internal static class Units
{
    /// <summary>Such as <c>7.1 MB</c>: powers of 1000, as file sizes and weights are quoted.</summary>
    public static string Bytes(double bytes) => Scaled(bytes, "B", "kB", "MB", "GB", "TB");

    /// <summary>Such as <c>3.54 M</c>.</summary>
    public static string Count(double count) => Scaled(count, "", "k", "M", "G", "T").TrimEnd();

    public static string Rate(double perSecond) => perSecond <= 0 ? "-" : Text(perSecond, perSecond < 100 ? "0.0" : "0");

    public static string Seconds(double seconds) => $"{Text(seconds, seconds < 10 ? "0.00" : "0.0")} s";

    public static string Grouped(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Scaled(double value, params ReadOnlySpan<string> units)
    {
        int i = 0;
        for (; value >= 999.5 && i < units.Length - 1; i++)
        {
            value /= 1000;
        }

        return $"{Text(value, i == 0 ? "0" : value < 10 ? "0.00" : value < 100 ? "0.0" : "0")} {units[i]}";
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}

using System.Globalization;
using System.Text;

namespace HeteroQwen.Conformance;

/// <summary>Where in a result it went wrong, as an SVG: what is within its bound is pale, what is beyond it orange to dark red.</summary>
internal static class HeatMap
{
    private const int Side = 176;

    public static string Svg(ErrorMap map)
    {
        if (map.Rows < 1 || map.Columns < 1 || map.Worst.Length < (long)map.Rows * map.Columns)
        {
            return "";
        }

        double cell = Math.Clamp(Side / (double)Math.Max(map.Rows, map.Columns), 3, 24);
        StringBuilder svg = new();
        svg.Append(CultureInfo.InvariantCulture, $"<figure><svg class=\"heat\" role=\"img\" aria-label=\"errors\" width=\"{map.Columns * cell:0.#}\" ");
        svg.Append(CultureInfo.InvariantCulture, $"height=\"{map.Rows * cell:0.#}\" viewBox=\"0 0 {map.Columns} {map.Rows}\" preserveAspectRatio=\"none\">");
        for (int row = 0; row < map.Rows; row++)
        {
            AppendRow(svg, map, row);
        }

        svg.Append("</svg><figcaption>errors in units of their bound, ");
        svg.Append(CultureInfo.InvariantCulture, $"{map.Rows} x {map.Columns}; worst {HtmlText.Of(HtmlText.Real(map.Worst.Max()))}</figcaption></figure>");
        return svg.ToString();
    }

    /// <summary>Neighbours of the same colour are one rectangle.</summary>
    private static void AppendRow(StringBuilder svg, ErrorMap map, int row)
    {
        ReadOnlySpan<float> errors = map.Worst.AsSpan(row * map.Columns, map.Columns);
        for (int start = 0; start < errors.Length;)
        {
            string colour = Colour(errors[start]);
            int end = start + 1;
            while (end < errors.Length && Colour(errors[end]) == colour)
            {
                end++;
            }

            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{start}\" y=\"{row}\" width=\"{end - start}\" height=\"1\" fill=\"{colour}\"/>");
            start = end;
        }
    }

    private static string Colour(float error)
    {
        if (!(error <= 1))
        {
            // Beyond the bound, or NaN: from orange over red to nearly black, by orders of magnitude.
            double heat = float.IsNaN(error) ? 1 : Math.Min(1, Math.Log10(error) / 3);
            return $"#{Mix(0xf5, 0x6d, heat):x2}{Mix(0x8a, 0x00, heat):x2}{Mix(0x3c, 0x1a, heat):x2}";
        }

        double share = Math.Round(Math.Max(0, error) * 8) / 8;
        return $"#{Mix(0xdd, 0x9f, share):x2}{Mix(0xea, 0xc4, share):x2}{Mix(0xe4, 0x9a, share):x2}";
    }

    private static int Mix(int from, int to, double share) => (int)Math.Round(from + ((to - from) * share));
}

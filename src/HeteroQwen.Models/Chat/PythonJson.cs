using System.Globalization;
using System.Text;
using System.Text.Json;

namespace HeteroQwen.Models;

/// <summary>
/// Writes JSON as the <c>tojson</c> of transformers' templates does, which is Python's <c>json.dumps(x, ensure_ascii=False)</c> of
/// the parsed value: ", " and ": " between, keys in order, numbers as Python prints them.
/// </summary>
internal static class PythonJson
{
    public static string Write(JsonElement value)
    {
        var text = new StringBuilder();
        Write(value, text);
        return text.ToString();
    }

    private static void Write(JsonElement value, StringBuilder text)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                WriteObject(value, text);
                break;
            case JsonValueKind.Array:
                WriteArray(value, text);
                break;
            case JsonValueKind.String:
                WriteString(value.GetString()!, text);
                break;
            case JsonValueKind.Number:
                text.Append(Number(value.GetRawText()));
                break;
            default:
                text.Append(value.GetRawText());
                break;
        }
    }

    private static void WriteObject(JsonElement value, StringBuilder text)
    {
        // A key that comes twice keeps its first place and its last value, as in a Python dict.
        var members = new OrderedDictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in value.EnumerateObject())
            members[member.Name] = member.Value;
        text.Append('{');
        var separator = "";
        foreach (var (name, member) in members)
        {
            text.Append(separator);
            WriteString(name, text);
            text.Append(": ");
            Write(member, text);
            separator = ", ";
        }
        text.Append('}');
    }

    private static void WriteArray(JsonElement value, StringBuilder text)
    {
        text.Append('[');
        var separator = "";
        foreach (var item in value.EnumerateArray())
        {
            text.Append(separator);
            Write(item, text);
            separator = ", ";
        }
        text.Append(']');
    }

    private static void WriteString(string value, StringBuilder text)
    {
        text.Append('"');
        foreach (var c in value)
        {
            _ = c switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                '\f' => text.Append("\\f"),
                '\b' => text.Append("\\b"),
                < ' ' => text.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)),
                _ => text.Append(c),
            };
        }
        text.Append('"');
    }

    /// <summary>A whole number keeps its digits, however many; any other is what Python's repr of the nearest double says.</summary>
    private static string Number(string raw)
    {
        if (!raw.AsSpan().ContainsAny('.', 'e', 'E'))
            return raw == "-0" ? "0" : raw;
        var value = double.Parse(raw, CultureInfo.InvariantCulture);
        if (double.IsInfinity(value))
            return value > 0 ? "Infinity" : "-Infinity";
        return Repr(value);
    }

    /// <summary>The shortest digits that give the double back; with an exponent below 1e-4 and from 1e16 on.</summary>
    private static string Repr(double value)
    {
        var sign = double.IsNegative(value) ? "-" : "";
        var scientific = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture).Split('E');
        var mantissa = scientific[0].Split('.');
        var exponent = scientific.Length > 1 ? int.Parse(scientific[1], CultureInfo.InvariantCulture) : 0;
        var digits = mantissa[0] + (mantissa.Length > 1 ? mantissa[1] : "");
        var point = mantissa[0].Length + exponent;
        var leading = digits.Length - digits.TrimStart('0').Length;
        digits = digits.Trim('0');
        if (digits.Length == 0)
            return sign + "0.0";
        point -= leading;

        if (point is > 16 or <= -4)
        {
            var fraction = digits.Length > 1 ? "." + digits[1..] : "";
            var power = Math.Abs(point - 1).ToString("00", CultureInfo.InvariantCulture);
            return $"{sign}{digits[0]}{fraction}e{(point > 0 ? '+' : '-')}{power}";
        }
        if (point <= 0)
            return sign + "0." + new string('0', -point) + digits;
        var whole = digits.PadRight(point, '0');
        return sign + whole[..point] + "." + (whole.Length > point ? whole[point..] : "0");
    }
}

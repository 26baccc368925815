using System.Globalization;
using System.Text;

namespace HeteroQwen.Hardening.Tests;

/// <summary>Drops, repeats, renames, retypes, swaps and nests parts of a JSON text, which stays well-formed.</summary>
internal sealed class JsonMutator(Random random)
{
    private static readonly string[] s_values =
    [
        "0", "-1", "1", "0.5", "-0.0", "1e9", "1e999", "-1e999", "1e-999", "99999999999999999999", "null", "true", "false", "[]", "{}",
        "[[]]", "\"\"", "\"1\"", "\"\\u0000\\u001b[31m\\n\"", "\"\\ud800\"", "\"\u00e9\\u0301\"", "\"../../x\"", "\"/dev/zero\"",
        "\"NaN\"", "[1,\"1\",null]",
        "{\"a\":1,\"a\":2}",
    ];

    /// <summary>The text with one part changed; null where it is no JSON.</summary>
    public byte[]? Mutate(byte[] json)
    {
        if (JsonLayout.Of(json) is not { Values.Count: > 0 } layout)
        {
            return null;
        }

        Range member = Pick(layout.Members);
        Range value = Pick(layout.Values);
        switch (random.Next(8))
        {
            case 0:
                return Replace(json, WithComma(json, member), []);
            case 1:
                return Replace(json, member.Start..member.Start, [.. json[member], (byte)',']);
            case 2 when layout.Names.Count > 0:
                return Replace(json, Pick(layout.Names), random.Next(2) == 0 ? json[Pick(layout.Names)] : Utf8("\"\\u0007x\":"));
            case 3:
                return Replace(json, value, json[Pick(layout.Values)]);
            case 4:
                int depth = random.Next(4) == 0 ? 50_000 : random.Next(1, 100);
                return Replace(json, value, [.. Utf8(new string('[', depth)), .. json[value], .. Utf8(new string(']', depth))]);
            case 5:
                return Replace(json, value, Utf8($"\"{new string('a', random.Next(1, 60_000))}\""));
            case 6:
                return Replace(json, value, Utf8(NearPowerOfTwo()));
            default:
                return Replace(json, value, Utf8(s_values[random.Next(s_values.Length)]));
        }
    }

    /// <summary>A number where sizes and signs turn over.</summary>
    private string NearPowerOfTwo() => ((Int128.One << random.Next(1, 65)) - 1 + random.Next(3)).ToString(CultureInfo.InvariantCulture);

    private Range Pick(List<Range> ranges) => ranges[random.Next(ranges.Count)];

    private static Range WithComma(byte[] json, Range member)
    {
        int end = member.End.Value;
        if (end < json.Length && json[end] == ',')
        {
            return member.Start..(end + 1);
        }

        int before = json.AsSpan(0, member.Start.Value).TrimEnd(" \r\n\t"u8).Length;
        return before > 0 && json[before - 1] == ',' ? (before - 1)..end : member;
    }

    private static byte[] Replace(byte[] json, Range old, byte[] with) => [.. json[..old.Start], .. with, .. json[old.End..]];

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}

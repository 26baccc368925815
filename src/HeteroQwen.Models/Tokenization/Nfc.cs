using System.Collections;
using System.Runtime.InteropServices;
using System.Text;

namespace HeteroQwen.Models;

/// <summary>
/// Unicode normalisation form C (UAX #15) from tables of our own: .NET's returns its argument unchanged in
/// globalization-invariant mode and needs ICU otherwise. See docs/unicode/README.md for the tables and their version.
/// </summary>
internal static class Nfc
{
    private const int HangulBase = 0xAC00, LBase = 0x1100, VBase = 0x1161, TBase = 0x11A7;
    private const int LCount = 19, VCount = 21, TCount = 28, HangulCount = LCount * VCount * TCount;

    private static readonly Tables s_tables = Tables.Read();

    public static string Normalize(string text)
    {
        if (IsNormalized(text))
            return text;
        var points = Decompose(text);
        Order(CollectionsMarshal.AsSpan(points));
        var count = Compose(CollectionsMarshal.AsSpan(points));
        var result = new StringBuilder(count);
        foreach (var point in CollectionsMarshal.AsSpan(points)[..count])
            result.Append(char.ConvertFromUtf32(point));
        return result.ToString();
    }

    /// <summary>True if no character can change or combine with its neighbours; false says only that one might.</summary>
    private static bool IsNormalized(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', '\u02FF'))
            return true;
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value < s_tables.Active.Length && s_tables.Active[rune.Value])
                return false;
        }
        return true;
    }

    private static List<int> Decompose(string text)
    {
        var points = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
            Decompose(rune.Value, points);
        return points;
    }

    private static void Decompose(int point, List<int> points)
    {
        var syllable = point - HangulBase;
        if ((uint)syllable < HangulCount)
        {
            points.Add(LBase + syllable / (VCount * TCount));
            points.Add(VBase + syllable % (VCount * TCount) / TCount);
            if (syllable % TCount != 0)
                points.Add(TBase + syllable % TCount);
        }
        else if (s_tables.Mappings.TryGetValue(point, out var mapping))
        {
            Decompose(mapping.First, points);
            if (mapping.Second != 0)
                points.Add(mapping.Second);
        }
        else
        {
            points.Add(point);
        }
    }

    /// <summary>Sorts each run of combining marks by class, in order within a class; n log n, since a run may be the whole text.</summary>
    private static void Order(Span<int> points)
    {
        for (var start = 0; start < points.Length; start++)
        {
            var end = start;
            while (end < points.Length && s_tables.ClassOf(points[end]) != 0)
                end++;
            if (end - start > 1)
                OrderRun(points[start..end]);
            start = end;
        }
    }

    private static void OrderRun(Span<int> run)
    {
        var keys = new ulong[run.Length];
        for (var i = 0; i < run.Length; i++)
            keys[i] = (ulong)s_tables.ClassOf(run[i]) << 56 | (ulong)i << 21 | (uint)run[i];
        Array.Sort(keys);
        for (var i = 0; i < run.Length; i++)
            run[i] = (int)(keys[i] & 0x1FFFFF);
    }

    /// <summary>Composes in place and returns how many code points are left.</summary>
    private static int Compose(Span<int> points)
    {
        var count = 0;
        var starter = -1;
        var lastClass = -1;
        foreach (var point in points)
        {
            var ccc = s_tables.ClassOf(point);
            if (starter >= 0 && lastClass < ccc && TryCompose(points[starter], point, out var composed))
            {
                points[starter] = composed;
                continue;
            }
            lastClass = ccc == 0 ? -1 : ccc;
            if (ccc == 0)
                starter = count;
            points[count++] = point;
        }
        return count;
    }

    private static bool TryCompose(int first, int second, out int composed)
    {
        if ((uint)(first - LBase) < LCount && (uint)(second - VBase) < VCount)
        {
            composed = HangulBase + ((first - LBase) * VCount + (second - VBase)) * TCount;
            return true;
        }
        var syllable = first - HangulBase;
        if ((uint)syllable < HangulCount && syllable % TCount == 0 && second > TBase && second < TBase + TCount)
        {
            composed = first + second - TBase;
            return true;
        }
        return s_tables.Pairs.TryGetValue((first, second), out composed);
    }

    private sealed class Tables
    {
        private readonly Dictionary<int, byte> _classes = [];

        public Dictionary<int, (int First, int Second)> Mappings { get; } = [];

        public Dictionary<(int First, int Second), int> Pairs { get; } = [];

        /// <summary>Code points that may change, or combine with what stands before them.</summary>
        public BitArray Active { get; } = new(0x30000);

        public int ClassOf(int point) => point < 0x300 ? 0 : _classes.GetValueOrDefault(point);

        public static Tables Read()
        {
            using var stream = typeof(Nfc).Assembly.GetManifestResourceStream("nfc.bin")!;
            using var reader = new BinaryReader(stream);
            var tables = new Tables();
            tables.ReadClasses(reader);
            tables.ReadMappings(reader);
            for (var i = 0; i < VCount; i++)
                tables.Active[VBase + i] = true;
            for (var i = 1; i < TCount; i++)
                tables.Active[TBase + i] = true;
            return tables;
        }

        private void ReadClasses(BinaryReader reader)
        {
            var point = 0;
            for (var ranges = reader.Read7BitEncodedInt(); ranges > 0; ranges--)
            {
                point += reader.Read7BitEncodedInt();
                var last = point + reader.Read7BitEncodedInt();
                var ccc = (byte)reader.Read7BitEncodedInt();
                for (var c = point; c <= last; c++)
                {
                    _classes.Add(c, ccc);
                    Active[c] = true;
                }
                point = last;
            }
        }

        private void ReadMappings(BinaryReader reader)
        {
            var point = 0;
            for (var mappings = reader.Read7BitEncodedInt(); mappings > 0; mappings--)
            {
                point += reader.Read7BitEncodedInt();
                var first = reader.Read7BitEncodedInt();
                var second = reader.Read7BitEncodedInt();
                Mappings.Add(point, (first, second >> 1));
                if ((second & 1) == 0)
                {
                    Active[point] = true;
                    continue;
                }
                Pairs.Add((first, second >> 1), point);
                Active[second >> 1] = true;
            }
        }
    }
}

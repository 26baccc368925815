namespace HeteroQwen.Cli;

/// <summary>The nearest right word to a wrong one.</summary>
internal static class Suggestion
{
    /// <summary><c>did you mean --precision?</c>, or nothing where no candidate is near.</summary>
    public static string For(string wrong, IEnumerable<string> candidates)
    {
        (string? best, int distance) = (null, int.MaxValue);
        foreach (string candidate in candidates)
        {
            int d = candidate.StartsWith(wrong, StringComparison.OrdinalIgnoreCase) && wrong.Length > 2 ? 1 : Distance(wrong, candidate);
            if (d < distance)
            {
                (best, distance) = (candidate, d);
            }
        }

        // A third of the letters may be wrong: more, and the guess would be noise.
        return best is not null && distance <= Math.Max(1, Math.Max(wrong.Length, best.Length) / 3) ? $"did you mean {best}?" : "";
    }

    /// <summary>Letters to insert, delete, replace or swap with their neighbour.</summary>
    private static int Distance(string a, string b)
    {
        (a, b) = (a.ToLowerInvariant(), b.ToLowerInvariant());
        if (Math.Abs(a.Length - b.Length) > b.Length)
        {
            return int.MaxValue;
        }

        int[,] d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                d[i, j] = i == 0 ? j
                    : j == 0 ? i
                    : Math.Min(Math.Min(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
                }
            }
        }

        return d[a.Length, b.Length];
    }
}

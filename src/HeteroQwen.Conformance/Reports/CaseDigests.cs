using System.Security.Cryptography;
using System.Text;

namespace HeteroQwen.Conformance;

/// <summary>Digests that tell whether two certificates speak of the same cases.</summary>
internal static class CaseDigests
{
    /// <summary>SHA-256 of profile, seed and the sorted ids of each kind and op, one a line.</summary>
    public static IEnumerable<(string Group, int Cases, string Sha256)> Of(ConformanceReport report) =>
        from result in report.Results
        let info = report.CaseOf(result)
        group result.Id by info.Kind == CaseKind.Op ? $"op/{info.Op}" : info.Kind.ToString().ToLowerInvariant() into ids
        orderby ids.Key
        select (ids.Key, ids.Count(), Digest(report, ids));

    private static string Digest(ConformanceReport report, IEnumerable<string> ids)
    {
        string head = $"{report.Options.Profile} {report.Options.Seed}\n".ToLowerInvariant();
        string lines = string.Join('\n', ids.Order(StringComparer.Ordinal));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(head + lines)));
    }
}

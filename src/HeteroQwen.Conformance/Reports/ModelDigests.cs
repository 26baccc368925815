using System.Security.Cryptography;
using System.Text;
using HeteroQwen.Models;

namespace HeteroQwen.Conformance;

/// <summary>SHA-256 of the models that the cases ran.</summary>
internal static class ModelDigests
{
    /// <summary>
    /// Of each model that an id names, and of the user's own: the digest of its file, or of the lines "digest name" of the files of its
    /// folder, in order of their names. What is not found here has no digest.
    /// </summary>
    public static IEnumerable<(string Model, string? Sha256)> Of(ConformanceReport report)
    {
        IEnumerable<string> named = report.Results.Select(r => r.Id.Split('/')).Where(p => p is ["model", _, ..]).Select(p => p[1]);
        foreach (string name in named.Distinct().Order(StringComparer.Ordinal))
        {
            string? own = report.Options.Model;
            bool isOwn = own is not null && Path.GetFileName(Path.TrimEndingDirectorySeparator(own)) == name;
            string path = isOwn ? own!
                : BundledModels.Names.Contains(name) ? BundledModels.PathOf(name)
                : Path.Combine(AppContext.BaseDirectory, "golden", name);
            yield return (name, File.Exists(path) ? OfFile(path) : Directory.Exists(path) ? OfFolder(path) : null);
        }
    }

    private static string OfFolder(string folder)
    {
        IEnumerable<string> lines = Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(f => $"{OfFile(f)} {Path.GetFileName(f)}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))));
    }

    private static string OfFile(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}

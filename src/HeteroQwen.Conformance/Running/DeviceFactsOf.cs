using System.Collections.Immutable;
using System.Reflection;
using System.Security.Cryptography;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance;

/// <summary>Gathers what a certificate says of device and software.</summary>
internal static class DeviceFactsOf
{
    public static DeviceFacts Context(CaseContext context)
    {
        Capabilities capabilities = context.Device.Capabilities;
        int index = int.Parse(context.Device.Id.Split(':')[^1]);
        _ = context.Backend.Devices(out ImmutableArray<DeviceInfo> devices);
        DeviceInfo? info = devices.IsDefault ? null : devices.FirstOrDefault(d => d.Index == index);
        return new DeviceFacts(
            context.Device.Id,
            info?.Name ?? context.Backend.Name,
            info?.Notes ?? [],
            capabilities.MemoryBytes,
            capabilities.Precisions,
            [.. capabilities.Types.Select(t => t.Name())],
            capabilities.Determinism,
            capabilities.Numerics,
            [.. Assemblies(context.Backend).Select(FactsOf)]);
    }

    /// <summary>The backend's own assembly first, then those of this project.</summary>
    private static IEnumerable<Assembly> Assemblies(IBackend backend) =>
        AppDomain.CurrentDomain.GetAssemblies()
            .Where(a => !a.IsDynamic && a.GetName().Name is { } name && (name == "heteroqwen" || name.StartsWith("HeteroQwen.", StringComparison.Ordinal)))
            .OrderBy(a => a.GetName().Name, StringComparer.Ordinal)
            .Prepend(backend.GetType().Assembly)
            .Distinct();

    private static AssemblyFacts FactsOf(Assembly assembly)
    {
        AssemblyName name = assembly.GetName();
        string version = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? $"{name.Version}";
        string sha = "not a file";
        if (File.Exists(assembly.Location))
        {
            using FileStream file = File.OpenRead(assembly.Location);
            sha = Convert.ToHexStringLower(SHA256.HashData(file));
        }

        return new AssemblyFacts(name.Name ?? "?", version, sha);
    }
}

using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace HeteroQwen.Backends.Tests;

/// <summary>Writes small assemblies with backends that nobody would build on purpose.</summary>
internal static class EmittedPlugin
{
    /// <summary>An assembly with one public backend for each name; its class is the name with a capital.</summary>
    public static string Write(string folder, params string[] names) => Write(folder, names, throws: null);

    /// <summary>An assembly with a backend whose constructor throws.</summary>
    public static string WriteThrowing(string folder, string message) => Write(folder, ["thrower"], message);

    /// <summary>A copy of the plug-in that was built against another version of an assembly, or against one of another name.</summary>
    public static string Rereference(string plugin, string assembly, Version? version = null, char? initial = null)
    {
        byte[] bytes = File.ReadAllBytes(plugin);
        using PEReader image = new(new MemoryStream(bytes));
        MetadataReader metadata = image.GetMetadataReader();
        AssemblyReferenceHandle handle = metadata.AssemblyReferences
            .Single(r => metadata.GetString(metadata.GetAssemblyReference(r).Name) == assembly);
        int start = image.PEHeaders.MetadataStartOffset;
        int row = start + metadata.GetTableMetadataOffset(TableIndex.AssemblyRef)
            + ((MetadataTokens.GetRowNumber(handle) - 1) * metadata.GetTableRowSize(TableIndex.AssemblyRef));
        if (version is not null)
        {
            BitConverter.TryWriteBytes(bytes.AsSpan(row), (ushort)version.Major);
            BitConverter.TryWriteBytes(bytes.AsSpan(row + 2), (ushort)version.Minor);
        }

        if (initial is { } letter)
        {
            int name = start + metadata.GetHeapMetadataOffset(HeapIndex.String)
                + metadata.GetHeapOffset(metadata.GetAssemblyReference(handle).Name);
            bytes[name] = (byte)letter;
        }

        string copy = Path.ChangeExtension(plugin, ".altered.dll");
        File.WriteAllBytes(copy, bytes);
        return copy;
    }

    private static string Write(string folder, string[] names, string? throws)
    {
        PersistedAssemblyBuilder assembly = new(new AssemblyName("Emitted" + names.Length), typeof(object).Assembly);
        ModuleBuilder module = assembly.DefineDynamicModule("Emitted");
        foreach (string name in names)
        {
            AddBackend(module, name, throws);
        }

        string path = Path.Combine(folder, "Emitted.dll");
        assembly.Save(path);
        return path;
    }

    private static void AddBackend(ModuleBuilder module, string name, string? throws)
    {
        TypeBuilder type = module.DefineType(
            char.ToUpperInvariant(name[0]) + name[1..], TypeAttributes.Public | TypeAttributes.Sealed, typeof(object), [typeof(IBackend)]);
        ILGenerator made = type.DefineConstructor(MethodAttributes.Public, CallingConventions.Standard, []).GetILGenerator();
        made.Emit(OpCodes.Ldarg_0);
        made.Emit(OpCodes.Call, typeof(object).GetConstructor([])!);
        if (throws is not null)
        {
            made.Emit(OpCodes.Ldstr, throws);
            made.Emit(OpCodes.Newobj, typeof(InvalidOperationException).GetConstructor([typeof(string)])!);
            made.Emit(OpCodes.Throw);
        }

        made.Emit(OpCodes.Ret);
        foreach (MethodInfo member in typeof(IBackend).GetMethods())
        {
            MethodBuilder method = type.DefineMethod(
                member.Name,
                MethodAttributes.Public | MethodAttributes.Virtual | MethodAttributes.Final | MethodAttributes.HideBySig,
                member.ReturnType,
                [.. member.GetParameters().Select(p => p.ParameterType)]);
            ILGenerator code = method.GetILGenerator();
            if (member.ReturnType == typeof(string))
            {
                code.Emit(OpCodes.Ldstr, name);
                code.Emit(OpCodes.Ret);
            }
            else
            {
                code.Emit(OpCodes.Ldnull);
                code.Emit(OpCodes.Throw);
            }
        }

        type.CreateType();
    }
}

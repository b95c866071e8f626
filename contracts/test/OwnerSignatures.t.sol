// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IIdentity} from "../src/IIdentity.sol";
import {Signing} from "./Signing.sol";

/// @dev A contract wallet that accepts the signatures of one key (ERC-1271) in a form of its own: a byte 0xff
/// before the 65 bytes.
contract ContractWallet {
    address private immutable KEY;

    constructor(address key_) {
        KEY = key_;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != 66 || signature[0] != 0xff) return bytes4(0);
        address signer =
            ecrecover(hash, uint8(signature[65]), bytes32(signature[1:33]), bytes32(signature[33:65]));
        return signer == KEY ? this.isValidSignature.selector : bytes4(0);
    }

    function revokeAll(IIdentity identity) external {
        identity.revokeAll();
    }
}

/// @dev A contract wallet that calls back into Identity when it is asked about a signature.
contract ReentrantWallet {
    IIdentity private immutable IDENTITY;

    constructor(IIdentity identity) {
        IDENTITY = identity;
    }

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        IDENTITY.revokeAll();
        return this.isValidSignature.selector;
    }
}

/// @dev Code without ERC-1271, which an account may delegate to by EIP-7702.
contract EmptyContract {}

/// @notice The forms of signatures that Identity takes, from keys and from contract wallets.
contract OwnerSignaturesTest is Signing {
    uint256 private constant OWNER = 0xA11CE;
    uint256 private constant OTHER = 0xB0B;
    uint256 private constant DEVICE = 0xD1;
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    IIdentity private identity;
    address private owner = vm.addr(OWNER);

    function setUp() public {
        vm.warp(1_800_000_000);
        identity = deployIdentity();
    }

    // ------------------------------------------------------------ keys

    function testFuzz_bind_acceptsEveryFormOfKeySignature(uint256 ownerKey, uint256 device, uint8 form)
        public
    {
        (ownerKey, device) = (boundPrivateKey(ownerKey), boundPrivateKey(device));
        vm.assume(ownerKey != device);
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) =
            delegation(identity, vm.addr(ownerKey), device);
        bytes memory o = inForm(ownerKey, delegationDigest(address(identity), d), form % 3);
        bytes memory c = inForm(device, consentDigest(address(identity), d), form / 3 % 3);
        identity.bind(x, y, d, o, c);
        assertEq(identity.ownerOf(d.sessionKey), d.owner, "owner");
    }

    function testFuzz_bind_revertsIfSignatureHasOtherLengthOrV(uint8 v, uint8 length) public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        bytes memory o = ownerSignature(d);
        bytes memory c = consentSignature(d);
        bytes memory otherV = ownerSignature(d);
        // Neither the v that was signed nor its other name.
        v = uint8(bound(v, 2, 254));
        if (v == 27 || v == 28) v = 29;
        otherV[64] = bytes1(v);
        assertBindReverts(x, y, d, otherV, c, IIdentity.BadOwnerSignature.selector);
        length = uint8(bound(length, 0, 130));
        if (length == 65) length = 66;
        bytes memory cut = new bytes(length);
        for (uint256 i; i < length && i < 65; ++i) {
            cut[i] = o[i];
        }
        // Without its parity a compact signature may still name the owner by chance, so that one is left out.
        if (length != 64) assertBindReverts(x, y, d, cut, c, IIdentity.BadOwnerSignature.selector);
        bytes memory wrongParity = ownerSignature(d);
        wrongParity[64] = wrongParity[64] == bytes1(uint8(27)) ? bytes1(uint8(1)) : bytes1(uint8(0));
        assertBindReverts(x, y, d, wrongParity, c, IIdentity.BadOwnerSignature.selector);
        identity.bind(x, y, d, o, c);
    }

    function testFuzz_bind_revertsIfSignatureHasHighS(uint256 device, bool consent, bool zeroBased) public {
        device = boundPrivateKey(device);
        vm.assume(device != OWNER);
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, device);
        bytes memory o = sign65(OWNER, delegationDigest(address(identity), d));
        bytes memory c = sign65(device, consentDigest(address(identity), d));
        if (consent) {
            bytes memory high = highS(device, consentDigest(address(identity), d), zeroBased);
            assertBindReverts(x, y, d, o, high, IIdentity.BadConsentSignature.selector);
        } else {
            bytes memory high = highS(OWNER, delegationDigest(address(identity), d), zeroBased);
            assertBindReverts(x, y, d, high, c, IIdentity.BadOwnerSignature.selector);
        }
    }

    // ------------------------------------------------------------ contract wallets

    function test_bind_acceptsERC1271Owner() public {
        ContractWallet wallet = new ContractWallet(vm.addr(OTHER));
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, address(wallet), DEVICE);
        bytes32 digest = delegationDigest(address(identity), d);
        bytes memory c = consentSignature(d);
        bytes memory stranger = abi.encodePacked(hex"ff", sign65(OWNER, digest));
        assertBindReverts(x, y, d, stranger, c, IIdentity.BadOwnerSignature.selector);
        // The wallet decides about the form, so what it gets is what was posted.
        assertBindReverts(x, y, d, sign65(OTHER, digest), c, IIdentity.BadOwnerSignature.selector);
        identity.bind(x, y, d, abi.encodePacked(hex"ff", sign65(OTHER, digest)), c);
        assertEq(identity.ownerOf(d.sessionKey), address(wallet), "owner");
        wallet.revokeAll(identity);
        assertFalse(identity.mayAct(d.sessionKey, 1), "revoked");
    }

    function test_bind_revertsIfERC1271OwnerWritesState() public {
        ReentrantWallet wallet = new ReentrantWallet(identity);
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, address(wallet), DEVICE);
        assertBindReverts(x, y, d, "", consentSignature(d), IIdentity.BadOwnerSignature.selector);
    }

    function test_bind_revertsIfOwnerContractHasNoERC1271() public {
        address empty = address(new EmptyContract());
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, empty, DEVICE);
        bytes memory c = consentSignature(d);
        assertBindReverts(x, y, d, ownerSignature(d), c, IIdentity.BadOwnerSignature.selector);
        // ERC-6492 names a factory to call first. Nothing is called.
        bytes memory wrapped = abi.encodePacked(
            abi.encode(address(identity), abi.encodeCall(IIdentity.revokeAll, ()), ownerSignature(d)),
            bytes32(0x6492649264926492649264926492649264926492649264926492649264926492)
        );
        assertBindReverts(x, y, d, wrapped, c, IIdentity.BadOwnerSignature.selector);
        assertEq(identity.epochOf(address(identity)), 0, "nothing was called");
    }

    function test_bind_acceptsOwnerWithEIP7702Code() public {
        vm.etch(owner, address(new EmptyContract()).code);
        address device = bindDevice(identity, OWNER, DEVICE);
        assertEq(identity.ownerOf(device), owner, "the signature of its key counts");
    }

    // ------------------------------------------------------------ helpers

    /// @dev 0: 65 bytes with v of 27 or 28; 1: with v of 0 or 1; 2: 64 bytes (EIP-2098).
    function inForm(uint256 k, bytes32 digest, uint256 form) private pure returns (bytes memory signature) {
        if (form == 2) {
            (bytes32 r, bytes32 vs) = sign64(k, digest);
            return abi.encodePacked(r, vs);
        }
        signature = sign65(k, digest);
        if (form == 1) signature[64] = bytes1(uint8(signature[64]) - 27);
    }

    function highS(uint256 k, bytes32 digest, bool zeroBased) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(k, digest);
        v = v == 27 ? 28 : 27;
        return abi.encodePacked(r, ORDER - uint256(s), zeroBased ? v - 27 : v);
    }

    function ownerSignature(IIdentity.Delegation memory d) private view returns (bytes memory) {
        return sign65(OWNER, delegationDigest(address(identity), d));
    }

    function consentSignature(IIdentity.Delegation memory d) private view returns (bytes memory) {
        return sign65(DEVICE, consentDigest(address(identity), d));
    }

    function assertBindReverts(
        bytes32 x,
        bytes32 y,
        IIdentity.Delegation memory d,
        bytes memory o,
        bytes memory c,
        bytes4 selector
    ) private {
        try identity.bind(x, y, d, o, c) {
            assertTrue(false, "bind should revert");
        } catch (bytes memory reason) {
            assertEq(bytes32(bytes4(reason)), bytes32(selector), "reason");
        }
    }
}
